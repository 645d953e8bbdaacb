"""The optimisation loop's one step, and all the state it needs to be taken up again exactly."""

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from charlm.data.lanes import Batches, Window
from charlm.errors import TrainingError
from charlm.models.base import State, detach, join_batch, slice_batch
from charlm.models.recurrent import RecurrentLanguageModel
from charlm.training.adamw import AdamW
from charlm.training.averaging import WeightAverage
from charlm.training.clipping import Clip
from charlm.training.loss_scale import LossScale
from charlm.training.objectives import next_symbol_loss
from charlm.training.pace import Pace
from charlm.training.precision import Arithmetic, autocast

MOST_SKIPPED_IN_A_ROW = 10


@dataclass(frozen=True)
class StepResult:
    """What one optimizer step saw.

    Attributes:
        total_nats: loss summed over the step's targets; NaN or infinite when it was skipped.
        num_targets: how many targets that is.
        gradient_norm: before clipping.
        clipped: whether the gradient was cut.
        skipped: whether loss or gradient was not finite, so that no weight changed.
    """

    total_nats: float
    num_targets: int
    learning_rate: float
    gradient_norm: float
    clipped: bool
    skipped: bool


class Trainer:
    """Takes optimizer steps over the windows of truncated back-propagation through time.

    The window of a step and its learning rate are pure functions of the step; the rest of the state is
    the weights, the optimizer's moments, the average, the dropout generator and the hidden state.

    Args:
        learning_rate: from a step, counted from 0, and the share of the training done before it, to its rate.
        pace: how far each step takes the training.
        accumulation: parts that a batch is computed in, lanes apart, with the same gradient as in one.
        generator: source of the dropout masks, on the model's device.
    """

    def __init__(
        self,
        model: RecurrentLanguageModel,
        *,
        batches: Batches,
        optimizer: AdamW,
        learning_rate: Callable[[int, float], float],
        pace: Pace,
        clip: Clip,
        average: WeightAverage | None,
        precision: Arithmetic,
        accumulation: int,
        generator: torch.Generator,
        device: torch.device,
    ) -> None:
        self.model = model
        self.batches = batches
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.pace = pace
        self.clip = clip
        self.average = average
        self.precision = precision
        self.loss_scale = LossScale() if precision == "fp16" else None
        self.accumulation = min(accumulation, batches.num_lanes)
        self.generator = generator
        self.device = device
        self.parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self.step = 0
        self.num_clipped = 0
        self.num_skipped = 0
        self.num_skipped_in_a_row = 0
        self.state: State = model.initial_state(batches.num_lanes)

    def take_step(self) -> StepResult:
        """Does one optimizer step.

        Raises:
            TrainingError: too many steps in a row were not finite.
        """
        self.model.train()
        window = self.batches.window(self.step)
        if window.fresh:
            self.state = self.model.initial_state(self.batches.num_lanes)
        rate = self.learning_rate(self.step, self.pace.progress(self.step))
        self.optimizer.learning_rate = rate
        total_nats = self._accumulate_gradients(window)
        norm, clipped = self.clip(self.parameters)
        finite = math.isfinite(total_nats) and math.isfinite(norm)
        if self.loss_scale is not None:
            self.loss_scale.after_step(finite=finite)
        if finite:
            self.optimizer.step()
            if self.average is not None:
                self.average.update(self.model)
        else:
            # A state that led here may itself be infinite; the next window starts from zero.
            self.state = self.model.initial_state(self.batches.num_lanes)
        self.optimizer.zero_grad()
        self.step += 1
        self.num_clipped += clipped and finite
        self.num_skipped += not finite
        self.num_skipped_in_a_row = 0 if finite else self.num_skipped_in_a_row + 1
        if self.num_skipped_in_a_row >= MOST_SKIPPED_IN_A_ROW:
            raise TrainingError(
                f"Loss or gradient was not finite in {MOST_SKIPPED_IN_A_ROW} steps in a row, up to step {self.step}; "
                "the last good checkpoint is kept. Try a lower --learning-rate or --clip-norm, or --precision fp32."
            )
        return StepResult(total_nats, window.num_targets, rate, norm, clipped and finite, not finite)

    def _accumulate_gradients(self, window: Window) -> float:
        num_lanes = self.batches.num_lanes
        borders = [round(part * num_lanes / self.accumulation) for part in range(self.accumulation + 1)]
        total_nats = 0.0
        states = []
        for start, stop in itertools.pairwise(borders):
            part = window.lanes(start, stop).to(self.device)
            with autocast(self.precision, self.device):
                loss, state = next_symbol_loss(self.model, part, slice_batch(self.state, start, stop), self.generator)
            mean = loss.total_nats / window.num_targets
            if self.loss_scale is not None:
                mean = mean * self.loss_scale.factor
            mean.backward()  # type: ignore[no-untyped-call]
            total_nats += loss.total_nats.item()
            states.append(detach(state))
        self.state = join_batch(states)
        if self.loss_scale is not None:
            gradients = [parameter.grad for parameter in self.parameters if parameter.grad is not None]
            torch._foreach_mul_(gradients, 1.0 / self.loss_scale.factor)
        return total_nats

    def tensors(self) -> dict[str, Tensor]:
        """Returns every tensor that going on exactly needs, by name."""
        tensors = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        tensors |= {f"optimizer.{name}": tensor for name, tensor in self.optimizer.tensors().items()}
        if self.average is not None:
            tensors |= {f"average.{name}": tensor for name, tensor in self.average.weights.items()}
        tensors |= {f"state.{index}": part for index, part in enumerate(self.state)}
        tensors["rng.dropout"] = self.generator.get_state()
        return tensors

    def values(self) -> dict[str, Any]:
        """Returns everything else that going on exactly needs, as JSON values."""
        return {
            "step": self.step,
            "pace": self.pace.to_json(),
            "loss_scale": None if self.loss_scale is None else asdict(self.loss_scale),
            "num_clipped": self.num_clipped,
            "num_skipped": self.num_skipped,
            "num_skipped_in_a_row": self.num_skipped_in_a_row,
            "num_averaged": None if self.average is None else self.average.num_updates,
        }

    def restore(self, tensors: Mapping[str, Mapping[str, Tensor]], values: Mapping[str, Any]) -> None:
        """Puts back what `tensors` (by section: optimizer, average, state, rng) and `values` returned.

        The model's own weights are the caller's to load.
        """
        self.optimizer.restore(tensors["optimizer"])
        if self.average is not None:
            # In the model's order, which files do not keep.
            stored = tensors["average"]
            self.average.weights = {name: stored[name].to(self.device) for name in self.average.weights}
            self.average.num_updates = values["num_averaged"]
        parts = tensors["state"]
        self.state = tuple(parts[str(index)].to(self.device) for index in range(len(parts)))
        self.step = values["step"]
        self.pace = Pace.from_json(values["pace"])
        if self.loss_scale is not None and values["loss_scale"] is not None:
            self.loss_scale = LossScale(**values["loss_scale"])
        self.num_clipped = values["num_clipped"]
        self.num_skipped = values["num_skipped"]
        self.num_skipped_in_a_row = values["num_skipped_in_a_row"]
        # A generator's state belongs to its kind of device; on another one the masks start anew.
        if tensors["rng"]["dropout"].numel() == self.generator.get_state().numel():
            self.generator.set_state(tensors["rng"]["dropout"])
