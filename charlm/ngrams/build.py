"""Counts a text and makes the n-gram model of it."""

from dataclasses import dataclass

from charlm.data.tokenfile import TokenFile
from charlm.data.tokenizers.base import Tokenizer
from charlm.ngrams.counting import DEFAULT_MEMORY, CountedText, count_grams
from charlm.ngrams.grams import Symbols
from charlm.ngrams.model import Level, NgramModel
from charlm.ngrams.pruning import KEPT_LENGTH, Mask, pruned_level
from charlm.ngrams.smoothing import Estimate, Smoothing, adjusted_counts, estimate_discounts, kneser_ney, witten_bell
from charlm.ngrams.sorting import Scratch


@dataclass(frozen=True)
class CountedModel:
    """A model and the counts that it was made of.

    Attributes:
        text: the grams and where they are.
        plain_orders: orders whose counts of counts gave no modified discounts, so that one discount serves all.
    """

    model: NgramModel
    text: CountedText
    plain_orders: tuple[int, ...]


def count_model(
    tokens: Symbols, *, order: int, smoothing: Smoothing, vocabulary_size: int, begin: int | None = None
) -> CountedModel:
    """Returns the model of a text in memory, `[symbols]`; other arguments as in `count_grams`."""
    return make_model(
        count_grams(TokenFile(tokens), order=order, vocabulary_size=vocabulary_size, begin=begin), smoothing
    )


def count_text(
    tokens: TokenFile,
    tokenizer: Tokenizer,
    *,
    order: int,
    smoothing: Smoothing = "kneser-ney",
    memory: int = DEFAULT_MEMORY,
    scratch: Scratch | None = None,
    prune: int = 0,
) -> CountedModel:
    """Returns the model of an encoded text; its order is lower where the text has no stretch so long.

    Args:
        memory: as in `count_grams`, and so is `scratch`; errors as there.
        prune: as in `make_model`.
    """
    text = count_grams(
        tokens,
        order=order,
        vocabulary_size=tokenizer.vocabulary_size,
        begin=tokenizer.begin,
        memory=memory,
        scratch=scratch,
    )
    return make_model(text, smoothing, prune=prune)


def make_model(text: CountedText, smoothing: Smoothing, *, prune: int = 0) -> CountedModel:
    """Returns the model of the counts.

    Args:
        prune: grams of more than `KEPT_LENGTH` symbols are dropped that occur at most so often.
    """
    levels: list[Level] = []
    plain_orders = []
    kept: Mask | None = None
    for each, grams in enumerate(text.orders, start=1):
        estimate: Estimate
        if smoothing == "witten-bell":
            estimate = witten_bell(grams)
        else:
            counts = adjusted_counts(text, each)
            discounts = estimate_discounts(counts)
            if not discounts.estimated:
                plain_orders.append(each)
            estimate = kneser_ney(grams, counts, discounts)
        level, kept = pruned_level(grams, estimate, kept, most=prune if each > KEPT_LENGTH else 0)
        if not len(level.keys):
            break
        levels.append(level)
    return CountedModel(NgramModel(levels, vocabulary_size=text.text.vocabulary_size), text, tuple(plain_orders))
