"""The complete state of a trainer, from which training goes on exactly."""

from collections.abc import Mapping

from torch import Tensor

from charlm.training.pace import Pace
from charlm.training.precision import LossScale
from charlm.training.state import TrainerState
from charlm.training.trainer import Trainer


def tensors_of(trainer: Trainer) -> dict[str, Tensor]:
    """Returns all tensors of a trainer's state, by name; all processes have to ask for them."""
    tensors = {f"model.{name}": tensor for name, tensor in trainer.model.state_dict().items()}
    tensors |= {f"optimizer.{name}": tensor for name, tensor in trainer.optimizer.tensors().items()}
    if trainer.average is not None:
        tensors |= {f"average.{name}": tensor for name, tensor in trainer.average.weights.items()}
    tensors |= {f"state.{index}": part for index, part in enumerate(trainer.whole_state())}
    tensors["rng.dropout"] = trainer.generator.get_state()
    return tensors


def values_of(trainer: Trainer) -> TrainerState:
    """Returns the rest of a trainer's state; all results must have been collected before."""
    assert not trainer.has_launched
    average = trainer.average
    return TrainerState(
        step=trainer.step,
        legs=trainer.pace.legs,
        loss_scale=None if trainer.loss_scale is None else trainer.loss_scale.state(),
        rate_factor=trainer.rate_factor,
        num_clipped=trainer.num_clipped,
        num_skipped=trainer.num_skipped,
        num_skipped_in_a_row=trainer.num_skipped_in_a_row,
        num_averaged=None if average is None else average.num_updates,
        trigger=None if average is None or average.trigger is None else average.trigger.state,
    )


def restore(trainer: Trainer, tensors: Mapping[str, Mapping[str, Tensor]], values: TrainerState) -> None:
    """Restores a state from `tensors`, by section (optimizer, average, state, rng), and what `values_of` returned.

    The caller loads the model's weights.

    Raises:
        KeyError: a tensor is missing.
        ValueError: a tensor has another shape, or is no generator's state.
    """
    trainer.forget_launched()
    trainer.optimizer.restore(tensors["optimizer"])
    if trainer.average is not None:
        trainer.average.restore(tensors["average"], values)
    parts = [tensors["state"][str(index)].to(trainer.device) for index in range(len(tensors["state"]))]
    if [part.shape for part in parts] != [part.shape for part in trainer.state]:
        raise ValueError("the hidden state has another shape")
    trainer.state = tuple(parts)
    trainer.step = values.step
    trainer.pace = Pace(values.legs[-1].total_steps, legs=values.legs)
    if trainer.loss_scale is not None and values.loss_scale is not None:
        trainer.loss_scale = LossScale(trainer.device, values.loss_scale)
    trainer.rate_factor = values.rate_factor
    trainer.num_clipped = values.num_clipped
    trainer.num_skipped = values.num_skipped
    trainer.num_skipped_in_a_row = values.num_skipped_in_a_row
    # A generator's state fits only its kind of device; on another one the masks are drawn from a new state.
    if tensors["rng"]["dropout"].numel() == trainer.generator.get_state().numel():
        try:
            trainer.generator.set_state(tensors["rng"]["dropout"])
        except RuntimeError:
            raise ValueError("the state of the dropout generator is none") from None
