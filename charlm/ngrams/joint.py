"""Many streams that an n-gram model reads together, one symbol of each in a step.

The contexts of all lengths are numbered one after the other, and so are their grams, so that what is looked up for all
streams and lengths is one array. A gram's number, plus 1 for the empty context, is then its number as a context.
"""

from typing import final

import numpy as np
from numpy.typing import NDArray

from charlm.ngrams.grams import NONE, Ids, Symbols
from charlm.ngrams.model import NgramModel, features

_KEPT_LENGTH = 2
"""Of contexts as long as this there are few, and they come again and again: their distributions are kept."""
_MOST_KEPT_NUMBERS = 1 << 22


@final
class JointNgrams:
    """The numbers of an n-gram model as its streams need them, and the distributions that are kept for all of them.

    Attributes:
        starts: the number of the first context of each length, `[order, 1]`.
        unknown: the number that stands for every context that is not known.
        keys: of all grams, the number of their context times the size of the vocabulary plus their last symbol.
        seen: of all grams, as `Level` says.
        firsts: for each context the number of its first gram, and one beyond the last.
        backoff: for each context, as `Level` says.
        features: for each context those of `charlm.ngrams.model.features`, `[2, contexts]`.
    """

    def __init__(self, model: NgramModel) -> None:
        levels, size = model.levels, model.vocabulary_size
        starts = np.cumsum([0, *(len(level.backoff) for level in levels)])
        self.model = model
        self.starts = starts[:-1, None]
        self.unknown = int(starts[-1])
        self.keys = np.concatenate([level.keys + start * size for level, start in zip(levels, starts, strict=False)])
        self.seen = np.concatenate([level.seen for level in levels])
        self.backoff = np.concatenate([*(level.backoff for level in levels), [1.0]])
        # Of the unknown context, too, which has no grams.
        self.firsts = np.searchsorted(self.keys, np.arange(self.unknown + 2) * size)
        counts = (np.concatenate([getattr(each, name) for each in levels]) for name in ("totals", "distinct"))
        known = (features(each[None], each[None])[:, 0] for each in counts)
        self.features = np.stack([np.append(each, np.float32(0.0)) for each in known])
        self._kept: dict[int, NDArray[np.float32]] = {}
        self._most_kept = _MOST_KEPT_NUMBERS // size

    def short_distributions(self, contexts: Ids, numbers: Ids) -> NDArray[np.float32]:
        """Returns the probabilities of all symbols in short contexts, `[streams, vocabulary]`.

        Args:
            contexts: as the model numbers them, `[order, streams]`, of which those that are longer do not count.
            numbers: the number of the longest short one that is known, `[streams]`.
        """
        asked = numbers.tolist()
        new = [stream for stream, number in enumerate(asked) if number not in self._kept]
        if new:
            if len(self._kept) > self._most_kept:
                self._kept = {}
                new = list(range(len(asked)))
            short = contexts[:, new]
            short[_KEPT_LENGTH + 1 :] = NONE
            for stream, row in zip(new, self.model.distributions(short).astype(np.float32), strict=True):
                self._kept[asked[stream]] = row
        return np.concatenate([self._kept[number] for number in asked]).reshape(len(asked), -1)


@final
class JointNgramStepper:
    """Several streams that an n-gram model reads; their numbers are those of `NgramStepper` but for the last digits.

    Args:
        contexts: as the model numbers them, int64 `[order, streams]`.
    """

    def __init__(self, ngrams: JointNgrams, contexts: Ids) -> None:
        self._ngrams = ngrams
        self._contexts = np.where(contexts == NONE, ngrams.unknown, contexts + ngrams.starts)

    def confidence(self) -> NDArray[np.float32]:
        """Returns the evidence in the present contexts, as `features` gives it, float32 `[streams, 2 order]`."""
        found = self._ngrams.features[:, self._contexts]
        return found.reshape(-1, self._contexts.shape[1]).T

    def totals(self) -> Ids:
        """Returns how often the present contexts of each length were followed, int64 `[streams, order]`."""
        return self._ngrams.model.totals(self.state()[0])

    def step(self, tokens: Symbols) -> NDArray[np.float32]:
        """Reads one symbol in every stream and returns the logarithms of the next one's probabilities."""
        return np.log(self.probabilities_after(tokens))

    def probabilities_after(self, tokens: Symbols) -> NDArray[np.float32]:
        """Reads one symbol in every stream and returns the next one's probabilities, `[streams, vocabulary]`."""
        self._read(tokens)
        ngrams, contexts = self._ngrams, self._contexts
        order, num_streams = contexts.shape
        short = min(_KEPT_LENGTH, order - 1) + 1
        # Longer contexts have higher numbers, so the highest is that of the longest.
        numbers = np.where(contexts[:short] == ngrams.unknown, 0, contexts[:short]).max(axis=0)
        probabilities = ngrams.short_distributions(self.state()[0], numbers)
        if short == order:
            return probabilities
        # From the longest on, each length's share is the product of the backoffs of those that are longer.
        longer = contexts[: short - 1 : -1]
        shares = np.multiply.accumulate(ngrams.backoff[longer], axis=0)
        weights = np.ones_like(shares)
        weights[1:] = shares[:-1]
        probabilities *= shares[-1][:, None]
        first = ngrams.firsts[longer].ravel()
        counts = ngrams.firsts[longer + 1].ravel() - first
        grams = np.arange(counts.sum()) + np.repeat(first - np.cumsum(counts) + counts, counts)
        size = ngrams.model.vocabulary_size
        # From a gram's key to the place of its symbol in the row of its stream.
        moved = (np.arange(num_streams) - longer) * size
        places = ngrams.keys[grams] + np.repeat(moved.ravel(), counts)
        added = np.bincount(places, ngrams.seen[grams] * np.repeat(weights.ravel(), counts), probabilities.size)
        probabilities += added.reshape(probabilities.shape)
        return probabilities

    def state(self) -> tuple[Ids]:
        """Returns a copy of the contexts, as the model numbers them."""
        ngrams = self._ngrams
        return (np.where(self._contexts == ngrams.unknown, NONE, self._contexts - ngrams.starts),)

    def _read(self, tokens: Symbols) -> None:
        ngrams = self._ngrams
        before = self._contexts[:-1]
        wanted = before * ngrams.model.vocabulary_size + tokens
        places = np.minimum(ngrams.keys.searchsorted(wanted), len(ngrams.keys) - 1)
        self._contexts[1:] = np.where(ngrams.keys[places] == wanted, places + 1, ngrams.unknown)
