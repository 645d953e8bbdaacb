"""Tags from log-probabilities: the likeliest sequence whose neighbours were seen side by side in training."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from charlm.data.examples.segments import Segment
from charlm.data.tokenizers.tags import TagTokenizer

_UNSEEN = -1e4
"""What a pair costs that was never seen: more than any evidence, but finite, so that there is always a sequence."""


def viterbi(scores: NDArray[np.floating], first: NDArray[np.bool_], then: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Returns the labels with the largest sum of scores (Viterbi 1967), int64 `[length]`.

    Args:
        scores: of each label at each place, `[length, labels]`; at least one place.
        first: whether a label may be the first, `[labels]`.
        then: whether a label may follow another, `[before, after]`.
    """
    costs = np.where(then, 0.0, _UNSEEN)
    best = scores[0] + np.where(first, 0.0, _UNSEEN)
    places = np.arange(scores.shape[1])
    before = np.empty(scores.shape, dtype=np.int64)
    for place in range(1, len(scores)):
        ways = best[:, None] + costs
        before[place] = ways.argmax(axis=0)
        best = ways[before[place], places] + scores[place]
    found = np.empty(len(scores), dtype=np.int64)
    found[-1] = best.argmax()
    for place in range(len(scores) - 1, 0, -1):
        found[place - 1] = before[place, found[place]]
    return found


def tag_segments(rows: NDArray[np.floating], segments: Sequence[Segment], tokenizer: TagTokenizer) -> list[str]:
    """Returns the tags of the tokens, the likeliest sequence of all; segments between tokens have none.

    Args:
        rows: the log-probabilities of each symbol's tag, `[symbols, labels]`; those of a token are added.
        segments: with their lengths in symbols; they follow one another from the first symbol to the last.
    """
    starts = np.cumsum([0, *(segment.length for segment in segments)])[:-1]
    are_tokens = [segment.tag is not None for segment in segments]
    sums = np.add.reduceat(rows.astype(np.float64), starts, axis=0)[are_tokens]
    first, then = tokenizer.can_follow()
    return [tokenizer.labels[number] for number in viterbi(sums, first, then).tolist()]


def tag_symbols(rows: NDArray[np.floating], tokenizer: TagTokenizer) -> list[str]:
    """Returns the likeliest tag of each symbol, for texts whose tokens are not known; each is chosen by itself.

    Args:
        rows: as in `tag_segments`.
    """
    return [tokenizer.labels[number] for number in rows.argmax(axis=1).tolist()]
