"""Counts a text and makes the n-gram model of it."""

from dataclasses import dataclass

from charlm.data.tokenfile import TokenFile
from charlm.data.tokenizers.base import Tokenizer
from charlm.ngrams.counting import CountedText, Symbols, count_grams
from charlm.ngrams.model import NgramModel, make_level
from charlm.ngrams.smoothing import Estimate, Smoothing, adjusted_counts, estimate_discounts, kneser_ney, witten_bell


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
    """Returns the model of a text, as `count_grams` takes it; its order is lower where there is no stretch so long."""
    text = count_grams(tokens, order=order, vocabulary_size=vocabulary_size, begin=begin)
    levels = []
    plain_orders = []
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
        levels.append(make_level(grams, estimate))
    return CountedModel(NgramModel(levels, vocabulary_size=vocabulary_size), text, tuple(plain_orders))


def count_text(
    tokens: TokenFile, tokenizer: Tokenizer, *, order: int, smoothing: Smoothing = "kneser-ney"
) -> CountedModel:
    """Returns the model of an encoded text; its order is lower where the text has no stretch so long."""
    return count_model(
        tokens.in_memory().read(0, len(tokens)),
        order=order,
        smoothing=smoothing,
        vocabulary_size=tokenizer.vocabulary_size,
        begin=tokenizer.begin,
    )
