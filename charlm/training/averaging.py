"""Averages of the weights over training steps: exponential, or plain from a trigger on."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from charlm.training.state import TrainerState, TriggerState


class Trigger:
    """The evaluation after which the weights are averaged: the non-monotone criterion of Merity et al. (2018).

    It is the first one with a higher loss than the lowest one of those at least `evaluations` before it.
    """

    def __init__(self, evaluations: int) -> None:
        self._evaluations = evaluations
        self.state = TriggerState()

    @property
    def has_fired(self) -> bool:
        """Whether that evaluation was."""
        return self.state.has_fired

    def after_evaluation(self, nats: float) -> bool:
        """Notes the loss of an evaluation, in nats per symbol; returns whether it is the one."""
        before = self.state
        if before.has_fired:
            return False
        fires = before.lowest is not None and nats > before.lowest
        recent = (*before.recent, nats)
        passed, recent = recent[: -self._evaluations], recent[-self._evaluations :]
        lowest = min((each for each in (before.lowest, *passed) if each is not None), default=None)
        self.state = TriggerState(lowest, recent, fires)
        return fires


class WeightAverage:
    """An average of a model's weights over the training steps.

    An exponential one (Polyak and Juditsky 1992, as used by most trainers) has a decay that grows with the number of
    updates n, `min(decay, (1 + n) / (10 + n))`, so that the random first weights are soon forgotten. One with a trigger
    is the plain mean from then on; until then it is the model's own weights.

    Args:
        decay: of an exponential average.
        trigger: of a plain one.
    """

    def __init__(self, model: nn.Module, *, decay: float = 0.0, trigger: Trigger | None = None) -> None:
        self.decay = decay
        self.trigger = trigger
        self.num_updates = 0
        self.weights = _weights_of(model)

    @property
    def _has_begun(self) -> bool:
        return self.trigger is None or self.trigger.has_fired

    def after_evaluation(self, model: nn.Module, nats: float) -> None:
        """Begins a plain mean with the model's weights if an evaluation's loss, in nats per symbol, triggers it."""
        if self.trigger is not None and self.trigger.after_evaluation(nats):
            self.weights, self.num_updates = _weights_of(model), 1

    @torch.no_grad()
    def update(self, model: nn.Module, skipped: Tensor) -> None:
        """Moves the average towards the model's weights, unless `skipped`, float32 `[]` on their device, is 1."""
        if not self._has_begun:
            return
        count = self.num_updates
        decay = min(self.decay, (1 + count) / (10 + count)) if self.trigger is None else count / (count + 1)
        self.num_updates += 1
        current = [parameter.detach() for _, parameter in model.named_parameters()]
        averages = list(self.weights.values())
        changes = torch._foreach_sub(current, averages)
        torch._foreach_mul_(changes, (1.0 - decay) * (1.0 - skipped))
        torch._foreach_add_(averages, changes)

    @contextmanager
    def applied_to(self, model: nn.Module) -> Iterator[None]:
        """Replaces the model's weights with the averages inside the block."""
        if not self._has_begun:
            yield
            return
        own = _weights_of(model)
        model.load_state_dict(self.weights, strict=False)
        try:
            yield
        finally:
            model.load_state_dict(own, strict=False)

    def restore(self, weights: Mapping[str, Tensor], values: TrainerState) -> None:
        """Restores the average from its tensors and the trainer's state; a missing tensor is a KeyError."""
        # In the order of the model's parameters, which files do not preserve.
        self.weights = {name: weights[name].to(own.device) for name, own in self.weights.items()}
        self.num_updates = values.num_averaged or 0
        if self.trigger is not None and values.trigger is not None:
            self.trigger.state = values.trigger


def _weights_of(model: nn.Module) -> dict[str, Tensor]:
    return {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
