"""An n-gram model in the field's text format, ARPA's back-off format (SRILM's ngram-format(5)).

Each gram has the base-10 logarithm of its probability and, as a context, of its back-off weight. An
interpolated model is one of back-off once each gram's probability has its share of the order below in it.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charlm.ngrams.grams import Ids, find
from charlm.ngrams.model import NgramModel, Probabilities

IMPOSSIBLE = -99.0
"""How the format writes the logarithm of zero."""

_PIECE = 1 << 11
"""Grams that are written at once."""


def arpa_lines(model: NgramModel, words: Sequence[str], *, begin: str, end: str) -> Iterator[str]:
    """Yields the text of the model's file, in pieces; beside the model it takes 16 bytes for each gram of two orders.

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
    probabilities: Probabilities = np.where(names == begin, 0.0, model.of_empty_context[0])
    known = model.levels[0].keys
    backoff = np.ones(len(words))
    if model.order > 1:
        backoff[known] = model.levels[1].backoff
    yield _lines(probabilities, words, backoff)

    # For each gram of an order its probability, and the number of the gram without its first word.
    probabilities, shorter = probabilities[known], np.zeros(len(known), dtype=np.int64)
    for order, level in enumerate(model.levels[1:], start=2):
        yield f"\n\\{order}-grams:\n"
        is_last = order == model.order
        kept = 0 if is_last else len(level.keys)
        of_order, shorter_of_order = np.empty(kept), np.empty(kept, dtype=np.int64)
        for start in range(0, len(level.keys), _PIECE):
            part = slice(start, start + _PIECE)
            contexts, symbols = np.divmod(level.keys[part], model.vocabulary_size)
            below = find(
                model.levels[order - 2].keys, shorter[contexts], symbols, vocabulary_size=model.vocabulary_size
            )
            found = level.seen[part] + level.backoff[contexts] * probabilities[below]
            yield _lines(
                found, _spelt(model, order, part, names), None if is_last else model.levels[order].backoff[part]
            )
            if not is_last:
                of_order[part], shorter_of_order[part] = found, below
        probabilities, shorter = of_order, shorter_of_order
    yield "\n\\end\\\n"


def _spelt(model: NgramModel, order: int, part: slice, names: NDArray[np.object_]) -> Iterable[str]:
    """Returns the words of some grams of an order, with blanks between."""
    columns = []
    numbers: slice | Ids = part
    for level in reversed(model.levels[:order]):
        numbers, symbols = np.divmod(level.keys[numbers], model.vocabulary_size)
        columns.append(names[symbols])
    return map(" ".join, zip(*reversed(columns), strict=True))


def _lines(probabilities: Probabilities, spelt: Iterable[str], backoff: NDArray[np.floating[Any]] | None) -> str:
    with np.errstate(divide="ignore"):
        logs = np.maximum(np.log10(probabilities), IMPOSSIBLE)
        weights = None if backoff is None else np.maximum(np.log10(backoff.astype(np.float64)), IMPOSSIBLE)
    ends = repeat("") if weights is None else (f"\t{weight:.7g}" for weight in weights)
    rows = zip(logs, spelt, ends, strict=False)
    return "".join(f"{log:.7g}\t{gram}{end}\n" for log, gram, end in rows)
