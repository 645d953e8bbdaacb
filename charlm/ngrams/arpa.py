"""An n-gram model in the field's text format, ARPA's back-off format (SRILM's ngram-format(5)).

Each gram has the base-10 logarithm of its probability and, as a context, of its back-off weight. An
interpolated model is one of back-off once each gram's probability has its share of the order below in it.
"""

from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charlm.ngrams.counting import find
from charlm.ngrams.model import NgramModel

IMPOSSIBLE = -99.0
"""How the format writes the logarithm of zero."""

_PIECE = 1 << 16


def arpa_lines(model: NgramModel, words: Sequence[str], *, begin: str, end: str) -> Iterator[str]:
    """Yields the text of the model's file, in pieces.

    Args:
        words: the name of each symbol, without white space, all different.
        begin: the word that stands for the beginning of a text, which is never predicted.
        end: the word for a text's end. Readers of the format ask for both words; where the model lacks one,
            it is in the file as impossible.
    """
    names = np.array(words, dtype=object)
    missing = [word for word in (begin, end) if word not in set(words)]
    sizes = [len(words) + len(missing), *(len(level.keys) for level in model.levels[1:])]
    yield "\\data\\\n" + "".join(f"ngram {order}={size}\n" for order, size in enumerate(sizes, start=1))

    yield "\n\\1-grams:\n" + "".join(f"{IMPOSSIBLE:g}\t{word}\t0\n" for word in missing)
    probabilities: NDArray[np.floating[Any]] = np.where(names == begin, 0.0, model.of_empty_context[0])
    known = model.levels[0].keys
    backoff = np.ones(len(words))
    if model.order > 1:
        backoff[known] = model.levels[1].backoff
    yield from _lines(probabilities, names, backoff)

    # For each gram its words, its probability, and the number of the gram without its first word.
    spelt, probabilities, shorter = names[known], probabilities[known], np.zeros(len(known), dtype=np.int64)
    for order, level in enumerate(model.levels[1:], start=2):
        contexts, symbols = level.keys // model.vocabulary_size, level.keys % model.vocabulary_size
        below = model.levels[order - 2].keys
        shorter = find(below, shorter[contexts], symbols, vocabulary_size=model.vocabulary_size)
        probabilities = level.seen + level.backoff[contexts] * probabilities[shorter]
        spelt = spelt[contexts] + " " + names[symbols]
        yield f"\n\\{order}-grams:\n"
        yield from _lines(probabilities, spelt, model.levels[order].backoff if order < model.order else None)
    yield "\n\\end\\\n"


def _lines(
    probabilities: NDArray[np.floating[Any]], spelt: NDArray[np.object_], backoff: NDArray[np.floating[Any]] | None
) -> Iterator[str]:
    with np.errstate(divide="ignore"):
        logs = np.maximum(np.log10(probabilities), IMPOSSIBLE)
        weights = None if backoff is None else np.maximum(np.log10(backoff.astype(np.float64)), IMPOSSIBLE)
    for start in range(0, len(logs), _PIECE):
        part = slice(start, start + _PIECE)
        ends = repeat("") if weights is None else (f"\t{weight:.7g}" for weight in weights[part])
        rows = zip(logs[part], spelt[part], ends, strict=False)
        yield "".join(f"{log:.7g}\t{gram}{end}\n" for log, gram, end in rows)
