"""The n-gram model: its grams, the probabilities of each next symbol, and the evidence for them.

A context is the number of a gram whose last symbols a text ends with. The contexts of a text are those of
every length from 0 on, int64 `[order, …]`: row L is the gram of the last L symbols, NONE where it is not known.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from charlm.errors import CheckpointError
from charlm.ngrams.grams import NONE, Grams, Ids, Symbols, find, sums_by_context
from charlm.ngrams.smoothing import Estimate

Probabilities = NDArray[np.float64]

_TOLERANCE = 1e-5
"""Of a sum of float32 probabilities."""

_MOST_COUNTED = np.iinfo(np.int32).max
"""Of totals, which are evidence alone: of a longer text that of the empty context would not fit."""

_SEEN = "totals", "distinct"
_SHORT = 3
"""Symbols of contexts of which there are few."""

USUAL_LOGARITHM = 4.0
"""The logarithm of a usual count; divided by it, features are about one."""


@dataclass(frozen=True)
class Level:
    """One order of the model.

    Attributes:
        keys: the grams, as in `Grams`, int64.
        seen: the estimate of each gram without its share of the order below, float32 `[grams]`.
        backoff: for each context the share of the order below, float32 `[contexts]`.
        totals: for each context how often it was followed by something, at most 2^31 - 1, int32 `[contexts]`.
        distinct: for each context by how many different symbols, int32 `[contexts]`.
    """

    keys: Ids
    seen: NDArray[np.float32]
    backoff: NDArray[np.float32]
    totals: NDArray[np.int32]
    distinct: NDArray[np.int32]


@final
class NgramModel:
    """Probabilities of the next symbol given the last `order - 1`.

    Attributes:
        of_empty_context: the distribution when nothing is known, `[1, vocabulary]`.

    Args:
        levels: of order 1, 2, … N.
        borders: those of another model with the same grams, which take a while to find.
    """

    def __init__(
        self, levels: Sequence[Level], *, vocabulary_size: int, borders: tuple[Ids, ...] | None = None
    ) -> None:
        self._borders = borders
        self.levels = tuple(levels)
        self.order = len(self.levels)
        self.vocabulary_size = vocabulary_size
        uniform = np.full((1, vocabulary_size), 1.0 / vocabulary_size)
        self.of_empty_context = uniform * self.levels[0].backoff
        self.of_empty_context[:, self.levels[0].keys] += self.levels[0].seen

    @property
    def num_grams(self) -> int:
        """Number of grams of all orders."""
        return sum(len(level.keys) for level in self.levels)

    def first_contexts(self, num_texts: int) -> Ids:
        """Returns the contexts before the first symbol of some texts, int64 `[order, texts]`."""
        contexts = np.full((self.order, num_texts), NONE, dtype=np.int64)
        contexts[0] = 0
        return contexts

    def has_contexts(self, contexts: Ids) -> bool:
        """Returns whether all of these contexts, `[order, texts]`, are some of this model's."""
        highest = np.array([len(level.backoff) for level in self.levels])
        return len(contexts) == self.order and bool(
            ((contexts >= NONE) & (contexts < highest[:, None])).all() and (contexts[0] == 0).all()
        )

    def contexts_after(self, tokens: Symbols, contexts: Ids) -> Ids:
        """Returns the contexts `[order, time, texts]` after each symbol `[time, texts]`, given those before all."""
        after = np.zeros((self.order, *tokens.shape), dtype=np.int64)
        for length in range(1, self.order):
            before = np.concatenate((contexts[length - 1][None], after[length - 1, :-1]))
            keys = self.levels[length - 1].keys
            after[length] = find(keys, before, tokens, vocabulary_size=self.vocabulary_size)
        return after

    def distributions(self, contexts: Ids) -> Probabilities:
        """Returns the probabilities of all symbols in some contexts, float64 `[…, vocabulary]`."""
        flat = contexts.reshape(self.order, -1)
        short = min(_SHORT, self.order - 1)
        # Short contexts come again and again: each is computed once. One that is not known is like no other.
        numbers = np.where(flat[short] == NONE, NONE - 1 - np.arange(flat.shape[1]), flat[short])
        _, first, again = np.unique(numbers, return_index=True, return_inverse=True)
        probabilities = self._interpolated(
            np.repeat(self.of_empty_context, len(first), axis=0), flat[:, first], 1, short
        )
        probabilities = self._interpolated(probabilities[again], flat, short + 1, self.order - 1)
        return probabilities.reshape(*contexts.shape[1:], self.vocabulary_size)

    def probabilities(self, contexts: Ids, targets: Symbols) -> Probabilities:
        """Returns the probability of one symbol `[…]` in each context, float64 `[…]`; faster than all of them."""
        probabilities = np.full(targets.shape, 1.0 / self.vocabulary_size)
        for level, context in zip(self.levels, contexts, strict=True):
            places = find(level.keys, context, targets, vocabulary_size=self.vocabulary_size)
            seen = np.where(places == NONE, 0.0, level.seen[places])
            probabilities = seen + np.where(context == NONE, 1.0, level.backoff[context]) * probabilities
        return probabilities

    def confidence(self, contexts: Ids) -> NDArray[np.float32]:
        """Returns the evidence in some contexts as `features` gives it, float32 `[…, 2 order]`."""
        totals, distinct = (self._of_known([getattr(level, name) for level in self.levels], contexts) for name in _SEEN)
        return features(totals, distinct)

    def totals(self, contexts: Ids) -> Ids:
        """Returns how often the contexts of each length were followed, int64 `[…, order]`; 0 where not known."""
        return np.moveaxis(self._of_known([level.totals for level in self.levels], contexts), 0, -1)

    def _of_known(self, values: Sequence[NDArray[np.int32]], contexts: Ids) -> Ids:
        found = np.zeros_like(contexts)
        for each, of_length, numbers in zip(found, values, contexts, strict=True):
            known = numbers != NONE
            each[known] = of_length[numbers[known]]
        return found

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Returns the model's arrays by name: `ORDER.keys`, `ORDER.seen`, …"""
        return {
            f"{order}.{name}": getattr(level, name)
            for order, level in enumerate(self.levels, start=1)
            for name in Level.__dataclass_fields__
        }

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, NDArray[Any]], *, order: int, vocabulary_size: int, source: str
    ) -> "NgramModel":
        """Returns the model that `to_arrays` gave the arrays of; other arrays are a CheckpointError."""
        levels = []
        num_contexts = 1
        for each in range(1, order + 1):
            try:
                level = Level(**{name: arrays[f"{each}.{name}"] for name in Level.__dataclass_fields__})
            except KeyError as error:
                raise CheckpointError(f"The counts in '{source}' lack {error}.") from None
            if not _is_sound(level, num_contexts=num_contexts, vocabulary_size=vocabulary_size):
                raise CheckpointError(f"The counts of order {each} in '{source}' are damaged.")
            levels.append(level)
            num_contexts = len(level.keys)
        return cls(levels, vocabulary_size=vocabulary_size)

    def _interpolated(self, probabilities: Probabilities, contexts: Ids, first: int, last: int) -> Probabilities:
        """Returns distributions `[contexts, vocabulary]`, refined by the contexts of the lengths `first … last`."""
        for length in range(first, last + 1):
            self._refine(length, probabilities, contexts[length])
        return probabilities

    def _refine(self, length: int, probabilities: Probabilities, contexts: Ids) -> None:
        """Makes distributions in contexts of a length from those in contexts one shorter, in place."""
        level = self.levels[length]
        known = np.flatnonzero(contexts != NONE)
        numbers, borders = contexts[known], self.borders[length]
        first = borders[numbers]
        counts = borders[numbers + 1] - first
        rows = np.repeat(known, counts)
        grams = np.arange(len(rows)) + np.repeat(first - np.cumsum(counts) + counts, counts)
        shares = np.ones(len(contexts))
        shares[known] = level.backoff[numbers]
        # Whole arrays in place, and numbers by one index: half the time of rows by theirs.
        probabilities *= shares[:, None]
        places = rows * self.vocabulary_size + level.keys[grams] % self.vocabulary_size
        probabilities.reshape(-1)[places] += level.seen[grams]

    @property
    def borders(self) -> tuple[Ids, ...]:
        """For each order the number of each context's first gram, and one beyond the last; found when first needed."""
        if self._borders is None:
            self._borders = tuple(_first_grams(level, self.vocabulary_size) for level in self.levels)
        return self._borders


def _first_grams(level: Level, vocabulary_size: int) -> Ids:
    return np.searchsorted(level.keys, np.arange(len(level.backoff) + 1) * vocabulary_size)


def num_features(order: int) -> int:
    """Returns the number of features of a model of an order."""
    return 2 * order


def features(totals: NDArray[Any], distinct: NDArray[Any]) -> NDArray[np.float32]:
    """Returns the evidence in some contexts, as features for a mixture's gate, float32 `[…, 2 order]`.

    Args:
        totals: how often the context of each length was followed by something, `[order, …]`.
        distinct: by how many different symbols.
    """
    counts = np.moveaxis(np.concatenate((totals, distinct)), 0, -1)
    logs: NDArray[np.float32] = np.log1p(counts, dtype=np.float32)
    return np.divide(logs, USUAL_LOGARITHM, out=logs)


def make_level(grams: Grams, estimate: Estimate) -> Level:
    """Returns an order of the model from its counts and its estimate."""
    return Level(
        keys=grams.keys,
        seen=estimate.seen.astype(np.float32),
        backoff=estimate.backoff.astype(np.float32),
        totals=np.minimum(sums_by_context(grams, grams.counts), _MOST_COUNTED).astype(np.int32),
        distinct=sums_by_context(grams, grams.counts > 0).astype(np.int32),
    )


def _is_sound(level: Level, *, num_contexts: int, vocabulary_size: int) -> bool:
    return (
        _has_types_and_shapes(level, num_contexts=num_contexts)
        and int(level.keys[0]) >= 0
        and int(level.keys[-1]) < num_contexts * vocabulary_size
        and bool(np.all(level.keys[1:] > level.keys[:-1]))
        and bool(np.all((level.seen >= 0.0) & (level.seen <= 1.0)))
        and bool(np.all((level.backoff > 0.0) & (level.backoff <= 1.0)))
        and bool(np.all((level.distinct >= 0) & (level.distinct <= vocabulary_size)))
        and bool(np.all(level.totals >= level.distinct))
        and _adds_to_one(level, vocabulary_size=vocabulary_size)
    )


def _has_types_and_shapes(level: Level, *, num_contexts: int) -> bool:
    grams, contexts = (level.keys.size,), (num_contexts,)
    expected = {
        "keys": (np.int64, grams),
        "seen": (np.float32, grams),
        "backoff": (np.float32, contexts),
        "totals": (np.int32, contexts),
        "distinct": (np.int32, contexts),
    }
    return grams[0] > 0 and {name: (array.dtype, array.shape) for name, array in vars(level).items()} == expected


def _adds_to_one(level: Level, *, vocabulary_size: int) -> bool:
    """Whether what is seen after each context and its back-off are one together: all distributions add to one then."""
    borders = _first_grams(level, vocabulary_size)
    sums = np.concatenate(([0.0], np.cumsum(level.seen, dtype=np.float64)))
    return bool(np.all(np.abs(np.diff(sums[borders]) + level.backoff - 1.0) < _TOLERANCE))
