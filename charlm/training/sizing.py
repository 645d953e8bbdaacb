"""Which sizes make the best of a time: candidates, and a search that times only the promising ones."""

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import product

from charlm.training.forecast import forecast

WIDTHS = (32, 48, 64, 96, 128, 160, 192, 256, 320, 384, 448, 512, 640, 768, 896, 1024)
BATCHES = ((16, 32), (32, 32), (32, 64), (64, 64), (128, 64))
"""Stretches read side by side, and symbols in each that gradients flow back through."""

# What a step takes beside its arithmetic, on the CPUs that were timed (docs/budget.md): of its own, and for each
# symbol that a layer has to wait for the one before. And the arithmetic's speed, before anything is timed.
_STEP_SECONDS = 1.5e-3
_SYMBOL_SECONDS = 4e-5
_NOMINAL_SPEED = 5e10


@dataclass(frozen=True, order=True)
class Sizes:
    """What is chosen for a time budget.

    Attributes:
        batch_size: stretches of text read side by side.
        sequence_length: symbols of each in one window.
    """

    hidden_size: int
    num_layers: int
    batch_size: int
    sequence_length: int


@dataclass(frozen=True)
class Task:
    """What the sizes are for.

    Attributes:
        seconds: time for the training's steps.
        corpus_symbols: symbols of the training text.
        symbols_per_record: their mean length; None for running text.
        most_epochs: how often the text is read at most.
        gates: matrices of one recurrent layer for its inputs, and as many for its state.
        vocabulary_size: symbols to choose from.
    """

    seconds: float
    corpus_symbols: int
    symbols_per_record: float | None
    most_epochs: float
    gates: int
    vocabulary_size: int

    def weights(self, sizes: Sizes) -> int:
        """Returns the numbers in the recurrent layers' matrices."""
        return 2 * self.gates * sizes.num_layers * sizes.hidden_size**2

    def window(self, sizes: Sizes) -> float:
        """Returns the symbols that gradients flow back through; a record may be shorter than a window."""
        return min(float(sizes.sequence_length), self.symbols_per_record or math.inf)

    def batch_symbols(self, sizes: Sizes) -> float:
        """Returns the symbols of one step; a short text has fewer stretches."""
        return self.window(sizes) * min(sizes.batch_size, max(1, self.corpus_symbols // self.window(sizes)))

    def multiplications(self, sizes: Sizes) -> float:
        """Returns how often a step multiplies by a weight, forwards."""
        return self.batch_symbols(sizes) * (self.weights(sizes) + sizes.hidden_size * self.vocabulary_size)

    def steps(self, sizes: Sizes, step_seconds: float) -> int:
        """Returns how many steps fill the time, or read the text as often as is of use."""
        most = math.ceil(self.most_epochs * self.corpus_symbols / self.batch_symbols(sizes))
        return max(1, min(int(self.seconds / step_seconds), most))

    def forecast(self, sizes: Sizes, step_seconds: float) -> float:
        """Returns the loss to expect, as `forecast.forecast` does."""
        batch_symbols, window = self.batch_symbols(sizes), self.window(sizes)
        return forecast(
            weights=self.weights(sizes),
            batch_size=batch_symbols / window,
            window=window,
            symbols=batch_symbols * self.steps(sizes, step_seconds),
            corpus_symbols=self.corpus_symbols,
        )


def candidates(asked: Sizes, fixed: Collection[str], *, width_multiple: int = 1) -> list[Sizes]:
    """Returns every choice of sizes in which those named in `fixed` are as asked.

    Args:
        width_multiple: what widths are a multiple of; fast kernels of some devices need one.
    """
    widths: Iterable[int] = [width for width in WIDTHS if width % width_multiple == 0]
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
    """Returns the sizes with the best forecast, and the seconds of a step of all that were timed.

    Times the most promising sizes, until those turn out to be timed already or there is no time for more.

    Args:
        time_step: times a step with other sizes.
        may_go_on: whether there is time for another.
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
    """Returns the seconds of a step, or about how long it takes by the nearest one that was timed."""
    if sizes in known:
        return known[sizes]
    if not known:
        return _waiting(sizes) + task.multiplications(sizes) / _NOMINAL_SPEED
    nearest = min(known, key=lambda other: _distance(other, sizes))
    # At least half of a step is arithmetic: on a faster machine there is less waiting, too.
    waiting = min(0.5 * known[nearest], _waiting(nearest))
    arithmetic = (known[nearest] - waiting) * task.multiplications(sizes) / task.multiplications(nearest)
    return waiting * _waiting(sizes) / _waiting(nearest) + arithmetic


def _waiting(sizes: Sizes) -> float:
    return _STEP_SECONDS + _SYMBOL_SECONDS * sizes.num_layers * sizes.sequence_length


def _distance(one: Sizes, other: Sizes) -> float:
    return abs(math.log(one.hidden_size / other.hidden_size)) + 0.2 * abs(math.log(one.batch_size / other.batch_size))
