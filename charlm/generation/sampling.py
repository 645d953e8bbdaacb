"""Drawing the next symbol from logits: temperature, top-k, top-p, min-p, and a seeded draw.

The order is temperature, top-k, top-p, min-p, as in Hugging Face's transformers. Every filter acts on the result
of the steps before it, so a higher temperature lets more symbols through top-p and min-p. (llama.cpp filters first
and applies the temperature last.) All logits here are `[batch, vocabulary]`; a symbol that cannot be drawn has minus
infinity. Every filter keeps the likeliest symbol; of equally likely symbols, the one with the lower number is first.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from charlm.config import SamplingConfig
from charlm.errors import NotFiniteError

Logits = NDArray[np.floating[Any]]
Probabilities = NDArray[np.float64]
Drawn = NDArray[np.int64]

# A lower temperature could overflow; the likeliest symbol is all but certain already at much higher ones.
_LOWEST_TEMPERATURE = 1e-200

_NUMBERS_AT_A_TIME = 64


def apply_temperature(logits: Logits, temperature: float) -> Probabilities:
    """Returns the logits divided by a temperature above zero, shifted so that the highest is 0.

    The shift changes no probability; without it a tiny temperature overflows.
    """
    shifted: Probabilities = np.subtract(logits, np.maximum.reduce(logits, axis=-1, keepdims=True), dtype=np.float64)
    return np.divide(shifted, max(temperature, _LOWEST_TEMPERATURE), out=shifted)


def keep_top_k(logits: Logits, k: int) -> Logits:
    """Returns the logits of exactly `k` likeliest symbols; the lower number wins a tie."""
    kept = logits.copy()
    np.put_along_axis(kept, _likeliest_first(logits)[:, k:], -math.inf, axis=-1)
    return kept


def keep_top_p(logits: Logits, p: float) -> Logits:
    """Returns the logits of the smallest set of likeliest symbols with a total probability of at least `p`.

    This is nucleus sampling (Holtzman et al. 2020).
    """
    if p >= 1.0:
        return logits
    order = _likeliest_first(logits)
    cumulative = np.take_along_axis(softmax(logits), order, axis=-1).cumsum(axis=-1)
    before = np.zeros_like(cumulative)
    before[:, 1:] = cumulative[:, :-1]
    dropped = np.zeros(logits.shape, dtype=np.bool_)
    np.put_along_axis(dropped, order, before >= p, axis=-1)
    return np.where(dropped, -math.inf, logits)


def keep_min_p(logits: Logits, share: float) -> Logits:
    """Returns the logits of the symbols with at least `share` of the probability of the likeliest one.

    This is min-p sampling (Nguyen et al. 2024).
    """
    if share == 0.0:
        return logits
    lowest = logits.max(axis=-1, keepdims=True) + math.log(share)
    return np.where(logits < lowest, -math.inf, logits)


def softmax(logits: Logits) -> Probabilities:
    """Returns the probabilities of the logits, in float64."""
    weights = np.exp(apply_temperature(logits, 1.0))
    weights /= weights.sum(axis=-1, keepdims=True)
    return weights


@final
class Drawer:
    """A seeded source of symbols for parallel streams.

    Args:
        settings: temperature and filters.
        excluded: symbols that are never drawn and that no filter counts.
        seeds: one for each stream; the same seed draws the same symbols from the same logits, whatever the others.
    """

    def __init__(
        self, settings: SamplingConfig, *, vocabulary_size: int, excluded: Sequence[int] = (), seeds: Sequence[int]
    ) -> None:
        self._settings = settings
        self._numbers = _uniform_numbers(seeds)
        self._possible = possible_symbols(vocabulary_size, excluded=excluded)

    def draw(self, logits: Logits) -> Drawn:
        """Returns one symbol for each row of `logits`, a row being a stream, `[batch]`.

        Temperature 0 takes the likeliest symbol. Otherwise each row looks up one uniform number in its cumulative
        distribution, in float64, so that equal logits give equal symbols on every device.

        Raises:
            NotFiniteError: the logits are not finite, or all symbols are excluded.
        """
        return draw_symbols(logits, self._possible, self._settings, lambda: next(self._numbers))


def possible_symbols(vocabulary_size: int, *, excluded: Sequence[int]) -> NDArray[np.float32]:
    """Returns what is added to the logits: minus infinity for the excluded symbols, 0 for the others."""
    possible = np.zeros(vocabulary_size, dtype=np.float32)
    possible[list(excluded)] = -math.inf
    return possible


def uniform_stream(seed: int) -> Iterator[float]:
    """Yields without end the uniform numbers of one stream, those that `Drawer` takes for this seed."""
    generator = np.random.default_rng(seed)
    while True:
        yield from generator.random(_NUMBERS_AT_A_TIME).tolist()


def draw_symbols(
    logits: Logits, possible: NDArray[np.float32], settings: SamplingConfig, next_numbers: Callable[[], Probabilities]
) -> Drawn:
    """Returns one symbol for each row of `logits`, `[batch]`, as `Drawer.draw` says; errors likewise.

    Args:
        possible: as `possible_symbols` returns it.
        next_numbers: gives the next uniform number of each row, `[batch, 1]`; not asked at temperature 0.
    """
    # One array for all steps: allocating another costs as much as computing.
    numbers: Probabilities = np.add(logits, possible, dtype=np.float64)
    highest = np.maximum.reduce(numbers, axis=-1, keepdims=True)
    _require_finite(highest)
    if settings.temperature == 0.0:
        likeliest: Drawn = np.argmax(numbers, axis=-1)
        return likeliest
    np.subtract(numbers, highest, out=numbers)
    np.divide(numbers, max(settings.temperature, _LOWEST_TEMPERATURE), out=numbers)
    np.exp(apply_filters(numbers, settings), out=numbers)
    np.add.accumulate(numbers, axis=-1, out=numbers)
    totals = numbers[:, -1:]
    return _first_above(numbers, next_numbers() * totals)


def _uniform_numbers(seeds: Sequence[int]) -> Iterator[Probabilities]:
    """Yields without end a uniform number for each stream, `[streams, 1]`, from a generator of its own."""
    generators = [np.random.default_rng(seed) for seed in seeds]
    while True:
        # Many at a time, as calling a generator takes longer than its number.
        columns = np.stack([generator.random(_NUMBERS_AT_A_TIME) for generator in generators], axis=1)
        yield from columns[..., None]


def _first_above(cumulative: Probabilities, thresholds: Probabilities) -> Drawn:
    """Returns in each row the first symbol whose cumulative weight exceeds the threshold, never one of weight 0."""
    drawn: Drawn
    if len(cumulative) == 1:  # Bisection takes a third of the time.
        drawn = cumulative[0].searchsorted(thresholds[0], side="right")
    else:
        drawn = np.add.reduce(cumulative <= thresholds, axis=-1, dtype=np.int64)
    return drawn


def _require_finite(numbers: Probabilities) -> None:
    if not all(map(math.isfinite, numbers.ravel().tolist())):
        raise NotFiniteError(
            "The model's output is not finite, so it cannot write text: its training diverged or its weights are "
            "damaged. Use another checkpoint, or train again with a lower --learning-rate."
        )


def apply_filters(logits: Logits, settings: SamplingConfig) -> Logits:
    """Returns the logits that all filters keep; the temperature has been applied before."""
    filtered = logits
    if settings.top_k is not None:
        filtered = keep_top_k(filtered, settings.top_k)
    if settings.top_p is not None:
        filtered = keep_top_p(filtered, settings.top_p)
    if settings.min_p is not None:
        filtered = keep_min_p(filtered, settings.min_p)
    return filtered


def _likeliest_first(logits: Logits) -> NDArray[np.intp]:
    return np.argsort(-logits, axis=-1, kind="stable")
