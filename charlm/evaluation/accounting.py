"""A Score from a sum of nats: the numbers of symbols, characters and bytes in the sum, and the unknown characters."""

import math

from charlm.data.encoder import EncodedText
from charlm.data.tokenizers.base import Tokenizer
from charlm.evaluation.score import Score


def make_score(
    model_nats: float, text: EncodedText, tokenizer: Tokenizer, *, unknown_nats: float | None = None
) -> Score:
    """Returns the score of a whole text whose symbols after the first have the code length `model_nats`.

    In running text every symbol after the first is scored. In records every symbol but the begins is scored; the end
    of a record is a line end and counts as one character and one byte.

    The unknown symbol does not say which character it stands for. That takes another ln N nats for each scored unknown
    symbol, the N characters without a symbol being equally likely, so that the score is the code length of the text.

    Args:
        unknown_nats: what it takes instead, under a model that learns which characters come.
    """
    num_symbols, num_characters, num_bytes = text.num_symbols, text.num_characters, text.num_bytes
    num_unknown, num_ends = text.num_unknown, 0
    if tokenizer.begin is not None:
        num_ends = text.num_records
        num_symbols -= num_ends * tokenizer.num_given
    else:
        first = int(text.tokens.read(0, 1)[0])
        num_symbols -= 1
        num_characters -= int(tokenizer.symbol_characters[first])
        num_bytes -= text.first_bytes
        num_unknown -= first == tokenizer.unknown
    if unknown_nats is None:
        unknown_nats = num_unknown * math.log(tokenizer.num_unknown_characters) if num_unknown else 0.0
    return Score(model_nats + unknown_nats, num_symbols, num_characters, num_bytes, num_unknown, num_ends, unknown_nats)


def label_score(model_nats: float, num_labels: int) -> Score:
    """Returns the score of so many labels: each counts as one symbol, one character and one byte."""
    return Score(model_nats, num_labels, num_labels, num_labels)
