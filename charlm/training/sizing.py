"""The choice of sizes for a time budget: candidates, and a search that times only the promising ones."""

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import product

from charlm.training.forecast import forecast

WIDTHS = (32, 48, 64, 96, 128, 160, 192, 256, 320, 384, 448, 512, 640, 768, 896, 1024)
BATCHES = ((16, 32), (32, 32), (32, 64), (64, 64), (128, 64))
"""Pairs of batch size and sequence length."""

WEIGHTS_PER_SYMBOL = 20
FEWEST_WEIGHTS = 50_000

# The duration of a step without its arithmetic, on the CPUs that were timed (docs/budget.md): a constant, and a part
# for each symbol and layer, which have to wait for one another. And the speed of arithmetic before any step is timed.
_STEP_SECONDS = 1.5e-3
_SYMBOL_SECONDS = 4e-5
_NOMINAL_SPEED = 5e10


@dataclass(frozen=True, order=True)
class Sizes:
    """The sizes that are chosen for a time budget.

    Attributes:
        batch_size: parallel sequences of a step.
        sequence_length: symbols of each sequence in one window.
    """

    hidden_size: int
    num_layers: int
    batch_size: int
    sequence_length: int


@dataclass(frozen=True)
class Task:
    """A training whose sizes are to be chosen.

    Attributes:
        seconds: time for the training's steps.
        corpus_symbols: symbols in the training text.
        symbols_per_record: mean length of a record; None for running text.
        most_epochs: largest number of epochs.
        gates: number of matrices of one recurrent layer for its inputs, equal to the number for its state.
        vocabulary_size: number of symbols in the vocabulary.
    """

    seconds: float
    corpus_symbols: int
    symbols_per_record: float | None
    most_epochs: float
    gates: int
    vocabulary_size: int

    def weights(self, sizes: Sizes) -> int:
        """Returns the number of weights in the recurrent layers' matrices."""
        return 2 * self.gates * sizes.num_layers * sizes.hidden_size**2

    def window(self, sizes: Sizes) -> float:
        """Returns the number of symbols that gradients flow back through; a record may be shorter than a window."""
        return min(float(sizes.sequence_length), self.symbols_per_record or math.inf)

    def batch_symbols(self, sizes: Sizes) -> float:
        """Returns the number of symbols in one step; a short text has fewer parallel sequences."""
        return self.window(sizes) * min(sizes.batch_size, max(1, self.corpus_symbols // self.window(sizes)))

    def multiplications(self, sizes: Sizes) -> float:
        """Returns the number of multiplications by a weight in the forward pass of a step."""
        return self.batch_symbols(sizes) * (self.weights(sizes) + sizes.hidden_size * self.vocabulary_size)

    def steps(self, sizes: Sizes, step_seconds: float) -> int:
        """Returns the number of steps in the time, or in the largest number of epochs if that is less."""
        most = math.ceil(self.most_epochs * self.corpus_symbols / self.batch_symbols(sizes))
        return max(1, min(int(self.seconds / step_seconds), most))

    def forecast(self, sizes: Sizes, step_seconds: float) -> float:
        """Returns the forecast of the loss; see `forecast.forecast`."""
        batch_symbols, window = self.batch_symbols(sizes), self.window(sizes)
        return forecast(
            weights=self.weights(sizes),
            batch_size=batch_symbols / window,
            window=window,
            symbols=batch_symbols * self.steps(sizes, step_seconds),
            corpus_symbols=self.corpus_symbols,
        )


def candidates(task: Task, asked: Sizes, fixed: Collection[str], *, width_multiple: int = 1) -> list[Sizes]:
    """Returns all candidate sizes; the settings named in `fixed` keep their value in `asked`.

    Layers with many weights for each symbol of the text are no candidates: the forecast was fitted to none.

    Args:
        width_multiple: number that divides every candidate width; fast kernels of some devices need one.
    """
    most = max(FEWEST_WEIGHTS, WEIGHTS_PER_SYMBOL * task.corpus_symbols)
    widths = [width for width in WIDTHS if width % width_multiple == 0]
    widths = [width for width in widths if task.weights(replace(asked, hidden_size=width)) <= most] or widths[:1]
    if "hidden_size" in fixed:
        widths = [asked.hidden_size]
    batches: Iterable[tuple[int, int]] = BATCHES
    if "batch_size" in fixed:
        batches = {(asked.batch_size, window) for _, window in batches}
    if "sequence_length" in fixed:
        batches = {(batch, asked.sequence_length) for batch, _ in batches}
    return [
        replace(asked, hidden_size=width, batch_size=batch, sequence_length=window)
        for width, (batch, window) in product(widths, sorted(batches))
    ]


def choose(
    task: Task, choices: Collection[Sizes], time_step: Callable[[Sizes], float], *, may_go_on: Callable[[], bool]
) -> tuple[Sizes, dict[Sizes, float]]:
    """Returns the sizes with the best forecast, and the seconds of a step for all sizes that were timed.

    Repeatedly times a step of the sizes with the best forecast, with `time_step`. The search ends when these are timed
    already, or when `may_go_on` returns that the time is up.
    """
    known: dict[Sizes, float] = {}
    while True:
        best = min(choices, key=lambda sizes: task.forecast(sizes, estimate(task, sizes, known)))
        if best in known:
            return best, known
        if known and not may_go_on():
            return min(known, key=lambda sizes: task.forecast(sizes, known[sizes])), known
        known[best] = time_step(best)


def estimate(task: Task, sizes: Sizes, known: Mapping[Sizes, float]) -> float:
    """Returns the seconds of a step: as timed, or estimated from the nearest sizes that were timed."""
    if sizes in known:
        return known[sizes]
    if not known:
        return _waiting(sizes) + task.multiplications(sizes) / _NOMINAL_SPEED
    nearest = min(known, key=lambda other: _distance(other, sizes))
    # At least half of a step is arithmetic: on a faster machine the waiting is shorter, too.
    waiting = min(0.5 * known[nearest], _waiting(nearest))
    arithmetic = (known[nearest] - waiting) * task.multiplications(sizes) / task.multiplications(nearest)
    return waiting * _waiting(sizes) / _waiting(nearest) + arithmetic


def _waiting(sizes: Sizes) -> float:
    return _STEP_SECONDS + _SYMBOL_SECONDS * sizes.num_layers * sizes.sequence_length


def _distance(one: Sizes, other: Sizes) -> float:
    return abs(math.log(one.hidden_size / other.hidden_size)) + 0.2 * abs(math.log(one.batch_size / other.batch_size))
