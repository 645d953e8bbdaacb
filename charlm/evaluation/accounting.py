"""A Score from a sum of nats: the numbers of symbols, characters and bytes in the sum."""

from charlm.data.corpus import EncodedText
from charlm.data.tokenizers.base import Tokenizer
from charlm.evaluation.score import Score


def make_score(total_nats: float, text: EncodedText, tokenizer: Tokenizer) -> Score:
    """Returns the score of a whole text whose targets have the code length `total_nats`.

    In running text every symbol after the first is scored. In records every symbol but the begins is scored; the end
    of a record is a line end and counts as one character and one byte.
    """
    if tokenizer.begin is not None:
        return Score(
            total_nats=total_nats,
            num_symbols=text.num_symbols - text.num_records,
            num_characters=text.num_characters,
            num_bytes=text.num_bytes,
            num_unknown=text.num_unknown,
            num_ends=text.num_records,
        )
    first = int(text.tokens.read(0, 1)[0])
    return Score(
        total_nats=total_nats,
        num_symbols=text.num_symbols - 1,
        num_characters=text.num_characters - int(tokenizer.symbol_characters[first]),
        num_bytes=text.num_bytes - text.first_bytes,
        num_unknown=text.num_unknown - (first == tokenizer.unknown),
    )
