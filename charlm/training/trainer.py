"""The optimizer step: the gradient of a batch, computed by threads and processes, and what follows from it."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import KW_ONLY, dataclass
from functools import partial

import torch
from torch import Tensor

from charlm.data.batches import Batches
from charlm.data.lanes import Window
from charlm.distributed.world import ALONE, Gradients, World
from charlm.errors import NotFiniteError, is_out_of_memory
from charlm.models.base import Network, State, detach, join_batch, slice_batch
from charlm.models.lane_groups import Workers, group_borders
from charlm.models.threads import using_threads
from charlm.training.adamw import AdamW
from charlm.training.averaging import WeightAverage
from charlm.training.clipping import Clip
from charlm.training.gradients import LanesGradient, gradients_of
from charlm.training.objectives import Objective, next_symbol_loss
from charlm.training.pace import Pace, whole_rate
from charlm.training.precision import Arithmetic, LossScale, autocast
from charlm.training.readback import Readback
from charlm.training.sharing import Sharing

MOST_SKIPPED_IN_A_ROW = 10

NOT_FINITE_ADVICE = "the last good checkpoint is kept. Try a lower --learning-rate or --clip-norm, or --precision fp32."
"""What follows a semicolon where something is not finite."""

_MOST_LAUNCHED = 8
"""The most steps that the host may be ahead of the device: enough to keep it busy, few enough to stop soon."""


@dataclass(frozen=True)
class StepResult:
    """The result of one optimizer step.

    Attributes:
        step: number of the step, counted from 1.
        total_nats: loss summed over the step's targets; NaN or infinite if skipped.
        gradient_norm: norm of the gradient before clipping.
        skipped: whether loss or gradient was not finite, so that no weight changed.
    """

    step: int
    total_nats: float
    num_targets: int
    learning_rate: float
    gradient_norm: float
    clipped: bool
    skipped: bool


@dataclass
class Trainer:
    """A trainer by truncated back-propagation through time: one optimizer step for each window.

    The window and the learning rate of a step are functions of the step. The rest of the state is the weights, the
    optimizer's moments, the weight average, the dropout generator and the hidden state.

    Args:
        learning_rate: returns the learning rate of a step, counted from 0, with the progress before it.
        accumulation: fewest parts in which a batch is computed, some lanes at a time; the gradient is the same.
        lane_groups: fewest parts, too, but computed side by side, each on one thread; 1 to compute every product on all
            of torch's threads.
        workers: threads that compute groups of lanes.
        sharing: computes some batches as one instead, where that is faster; None to compute all in groups.
        generator: source of the dropout masks, on the model's device.
        trunk_factor: returns the factor of a trunk's learning rate, from the progress before a step.
        world: the processes that compute groups of lanes, of which each carries the hidden state of its own.

    Attributes:
        rate_factor: factor of the learning rate; 1 unless a rollback has lowered it.
    """

    model: Network
    _: KW_ONLY
    batches: Batches
    optimizer: AdamW
    learning_rate: Callable[[int, float], float]
    pace: Pace
    clip: Clip
    average: WeightAverage | None
    precision: Arithmetic
    accumulation: int
    lane_groups: int
    workers: Workers
    generator: torch.Generator
    device: torch.device
    objective: Objective = next_symbol_loss
    trunk_factor: Callable[[float], float] = whole_rate
    sharing: Sharing | None = None
    world: World = ALONE

    def __post_init__(self) -> None:
        self.loss_scale = LossScale(self.device) if self.precision == "fp16" else None
        self.accumulation = min(self.accumulation, self.batches.num_lanes)
        self.lane_groups = min(self.lane_groups, self.batches.num_lanes)
        self.rate_factor = 1.0
        self.parameters = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        self.step = 0
        self.num_clipped = 0
        self.num_skipped = 0
        self.num_skipped_in_a_row = 0
        self._launched: deque[tuple[partial[StepResult], Readback]] = deque()
        self.state: State = self.model.initial_state(self.batches.num_lanes)

    @property
    def has_launched(self) -> bool:
        """Whether results of steps have still to be collected."""
        return bool(self._launched)

    def forget_launched(self) -> None:
        """Forgets the steps whose results were not collected."""
        self._launched.clear()

    def take_step(self) -> StepResult:
        """Takes one optimizer step and returns its result.

        Raises:
            NotFiniteError: too many steps in a row were not finite.
        """
        self.launch_step()
        return list(self.results(wait=True))[-1]

    def launch_step(self, *, may_share: bool = False) -> None:
        """Launches one optimizer step on the device; `results` yields its result later.

        Nothing here waits for the device. The device itself checks that the step is finite; a step that is not
        changes nothing but the hidden state.

        Args:
            may_share: whether there is time for a step of `sharing.SLOWEST_STEP` seconds.
        """
        # With groups, one thread does the rest of a step, too: more of them would wait for one another.
        with using_threads(1) if self.lane_groups > 1 else nullcontext():
            self._launch_step(may_share=may_share)

    def _launch_step(self, *, may_share: bool) -> None:
        self.model.train()
        window = self.batches.window(self.step)
        first_state = self.model.initial_state(self.batches.num_lanes)
        if window.fresh:
            self.state = first_state
        progress = self.pace.progress(self.step)
        rate = self.rate_factor * self.learning_rate(self.step, progress)
        self.optimizer.learning_rate, self.optimizer.trunk_factor = rate, self.trunk_factor(progress)
        gradients = partial(self._gradients, window, progress=progress)
        if self.sharing is None:
            total_nats = gradients()
        else:
            total_nats = self.sharing.compute(gradients, work=window.inputs.numel(), may_share=may_share)
        clipping = self.clip(self.parameters)
        finite = torch.isfinite(total_nats) & torch.isfinite(clipping.norm)
        skipped = 1.0 - finite.float()
        if self.loss_scale is not None:
            self.loss_scale.after_step(skipped)
        self.optimizer.step(divisor=clipping.divisor, skipped=skipped)
        if self.average is not None:
            self.average.update(self.model, skipped)
        # A state that led to an infinite loss may itself be infinite; the next window then starts from the first state.
        self.state = tuple(
            torch.where(finite, part, first) for part, first in zip(self.state, first_state, strict=True)
        )
        self.optimizer.zero_grad()
        self.step += 1
        result = partial(StepResult, step=self.step, num_targets=window.num_targets, learning_rate=rate)
        numbers = Readback(torch.stack([total_nats, clipping.norm, (clipping.clipped & finite).float(), skipped]))
        self._launched.append((result, numbers))

    def results(self, *, wait: bool = False) -> Iterator[StepResult]:
        """Yields each step's result once, in order: what is on the host, those launched long ago, or, waiting, all.

        Raises:
            NotFiniteError: too many steps in a row were not finite.
        """
        while self._launched and (wait or len(self._launched) > _MOST_LAUNCHED or self._launched[0][1].arrived()):
            result, numbers = self._launched.popleft()
            total_nats, norm, clipped, skipped = numbers.read()
            yield self._count(
                result(total_nats=total_nats, gradient_norm=norm, clipped=bool(clipped), skipped=bool(skipped))
            )

    def _count(self, result: StepResult) -> StepResult:
        self.num_clipped += result.clipped
        self.num_skipped += result.skipped
        self.num_skipped_in_a_row = self.num_skipped_in_a_row + 1 if result.skipped else 0
        if self.num_skipped_in_a_row >= MOST_SKIPPED_IN_A_ROW:
            raise NotFiniteError(
                f"Loss or gradient was not finite in {MOST_SKIPPED_IN_A_ROW} steps in a row, up to step {result.step}; "
                f"{NOT_FINITE_ADVICE}"
            )
        return result

    def _gradients(self, window: Window, *, progress: float) -> Tensor:
        """Computes a step's gradients and returns its loss; if memory is short, later batches have more parts."""
        masks = self.generator.get_state()
        while True:
            try:
                return self._sum_gradients(window, progress=progress)
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error) or self._num_parts >= self.batches.num_lanes:
                    raise
            # Only after the except block, which frees the error and with it the step's tensors.
            self.optimizer.zero_grad()
            self.generator.set_state(masks)
            self.state = self.whole_state()
            self.accumulation = min(2 * self._num_parts, self.batches.num_lanes)

    @property
    def _num_parts(self) -> int:
        return max(self.accumulation, 1 if self._is_shared else self.lane_groups)

    @property
    def _is_shared(self) -> bool:
        return self.lane_groups == 1 or (self.sharing is not None and self.sharing.is_on)

    @property
    def _borders(self) -> list[tuple[int, int]]:
        return group_borders(self.batches.num_lanes, self._num_parts)

    def _sum_gradients(self, window: Window, *, progress: float) -> Tensor:
        """Sets each parameter's gradient to the sum over the batch's parts, and returns the sum of their losses."""
        borders = self._borders
        own = self.world.share(len(borders))
        states = [slice_batch(self.state, *lanes) for lanes in borders]

        def sums() -> Iterator[Gradients]:
            for index, part in zip(own, self._parts(window, borders, own, progress=progress), strict=True):
                states[index] = part.state
                losses = part.total_nats.new_zeros(len(borders))
                losses[index] = part.total_nats
                yield *part.gradients, losses

        *gradients, losses = self.world.add_in_order(sums(), of=len(borders))
        for parameter, gradient in zip(self.parameters, gradients, strict=True):
            parameter.grad = gradient
        self.state = join_batch(states)
        if self.loss_scale is not None:
            self.loss_scale.unscale([gradient for gradient in gradients if gradient is not None])
        assert losses is not None
        return losses.sum()

    def _parts(
        self, window: Window, borders: list[tuple[int, int]], own: range, *, progress: float
    ) -> Iterable[LanesGradient]:
        """Computes the parts of this process's share."""
        if self._is_shared:
            # One after another: only one is in memory at a time.
            return (self._part(window, lanes, self.generator, progress=progress) for lanes in borders)
        # Each group draws its masks from a generator of its own, whichever process computes it, and when.
        drawn = torch.randint(1 << 62, (len(borders),), generator=self.generator, device=self.generator.device)
        seeds = drawn.tolist()
        return self.workers.map(
            lambda part: self._part(
                window, borders[part], torch.Generator(self.device).manual_seed(seeds[part]), progress=progress
            ),
            own,
            work=window.inputs.numel(),
        )

    def whole_state(self) -> State:
        """Returns the hidden state of all lanes; all processes have to ask for it."""
        borders = self._borders
        own = self.world.share(len(borders))
        start, stop = borders[own[0]][0], borders[own[-1]][1]

        def whole(part: Tensor) -> Tensor:
            mine = torch.zeros_like(part)
            mine[:, start:stop] = part[:, start:stop]
            return self.world.fill(mine)

        return tuple(whole(part) for part in self.state)

    def _part(
        self, window: Window, lanes: tuple[int, int], generator: torch.Generator, *, progress: float
    ) -> LanesGradient:
        part, state = window.lanes(*lanes).to(self.device), slice_batch(self.state, *lanes)
        with autocast(self.precision, self.device):
            loss, state = self.objective(self.model, part, state, generator, progress=progress)
        mean = loss.minimized / window.num_targets
        if self.loss_scale is not None:
            mean = mean * self.loss_scale.factor[0]
        return LanesGradient(loss.total_nats.detach(), detach(state), gradients_of(mean, self.parameters))

    def require_finite(self) -> None:
        """Checks that every weight is finite.

        Raises:
            NotFiniteError: a weight is not finite.
        """
        if not all(bool(torch.isfinite(parameter).all()) for parameter in self.parameters):
            raise NotFiniteError(f"After step {self.step}, weights are not finite; {NOT_FINITE_ADVICE}")
