"""The scores of models without memory on the same text, for comparison."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from charlm.data.encoder import EncodedText
from charlm.data.tokenizers.base import Tokenizer
from charlm.data.tokenizers.examples import ExampleTokenizer
from charlm.evaluation.accounting import label_score, make_score
from charlm.evaluation.score import Score

_PIECE = 1 << 24


@dataclass(frozen=True)
class Baseline:
    """A simple model's score on one part of a corpus."""

    name: str
    split: str
    score: Score


def count_symbols(text: EncodedText, *, vocabulary_size: int) -> NDArray[np.int64]:
    """Returns the number of times that each symbol is a target: all occurrences after the first symbol of the text."""
    counts = np.zeros(vocabulary_size, dtype=np.int64)
    for start in range(1, len(text.tokens), _PIECE):
        piece = text.tokens.read(start, min(start + _PIECE, len(text.tokens)))
        counts += np.bincount(piece, minlength=vocabulary_size)
    return counts


def unlikeness(text: EncodedText, training_counts: NDArray[np.int64]) -> float:
    """Returns how unlike the symbols of a text are to those of the training text, in bits per character.

    It is the divergence of Kullback and Leibler (1951) between the shares of the symbols in the two, less three times
    what chance adds to it where both are of the same kind: half a nat for each symbol, over the length of the text.
    """
    counts = count_symbols(text, vocabulary_size=len(training_counts))
    met = counts > 0
    total = counts.sum()
    smoothed = training_counts + 1.0
    nats = (counts[met] * np.log((counts[met] / total) / (smoothed[met] / smoothed.sum()))).sum()
    by_chance = 0.5 * met.sum() * (1.0 + total / smoothed.sum())
    return float((nats - 3.0 * by_chance) / np.log(2) / max(1, text.num_characters))


def score_baselines(
    text: EncodedText, tokenizer: Tokenizer, training_counts: NDArray[np.int64], *, split: str
) -> tuple[Baseline, ...]:
    """Returns the scores of the uniform and the unigram model on a text.

    The uniform model gives every symbol the same probability. The unigram model gives every symbol its share of the
    training text, with one added to every count so that no symbol is impossible (Laplace).
    """
    counts = count_symbols(text, vocabulary_size=tokenizer.vocabulary_size)
    possible = tokenizer.can_be_target()
    if tokenizer.outputs is not None:
        assert isinstance(tokenizer, ExampleTokenizer)
        # A label may have several symbols; what is predicted is the label.
        counts, training_counts = (tokenizer.label_counts(each)[:-1] for each in (counts, training_counts))
        possible = np.ones(len(counts), dtype=np.bool_)
    counts = np.where(possible, counts, 0)
    smoothed = np.where(possible, training_counts + 1.0, 1.0)
    log_unigram = np.log(smoothed) - np.log(smoothed[possible].sum())
    nats = {"uniform": counts.sum() * np.log(possible.sum()), "unigram": -(counts * log_unigram).sum()}
    if tokenizer.outputs is not None:
        return tuple(Baseline(name, split, label_score(float(each), int(counts.sum()))) for name, each in nats.items())
    return tuple(Baseline(name, split, make_score(float(each), text, tokenizer)) for name, each in nats.items())
