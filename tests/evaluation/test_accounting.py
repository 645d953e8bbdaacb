import numpy as np
import pytest

from charlm.data.corpus import EncodedText
from charlm.data.tokenfile import TokenFile
from charlm.data.tokenizers.char import CharTokenizer
from charlm.data.tokenizers.records import RecordTokenizer
from charlm.evaluation.accounting import make_score

ABC = CharTokenizer("abc")


def running_text(text: str) -> EncodedText:
    tokens = ABC.encode(text)
    num_unknown = sum(character not in "abc" for character in text)
    return EncodedText(
        TokenFile(tokens), len(text), len(text), len(text.encode()), num_unknown, 0, len(text[0].encode())
    )


@pytest.mark.parametrize(
    ("text", "num_bytes", "num_unknown"),
    [("abca", 3, 0), ("\u00e9bca", 3, 0), ("\u00e9b\u00e9\u00e9", 5, 2), ("ab\u00e9a", 4, 1), ("\u00e9\u00e9", 2, 1)],
)
def test_everything_but_the_first_symbol_is_counted(text, num_bytes, num_unknown):
    score = make_score(7.5, running_text(text), ABC)
    assert (score.total_nats, score.num_symbols, score.num_characters) == (7.5, len(text) - 1, len(text) - 1)
    assert (score.num_bytes, score.num_unknown, score.num_ends) == (num_bytes, num_unknown, 0)


def test_of_records_everything_but_their_begins_is_counted():
    # Two records of two characters each, the first of them unknown, and their ends.
    tokenizer = RecordTokenizer(ABC)
    tokens = np.asarray(tokenizer.encode("\u00e9b\nca\n"))
    score = make_score(7.5, EncodedText(TokenFile(tokens), 8, 6, 7, 1, 2, 0), tokenizer)
    assert (score.num_symbols, score.num_characters, score.num_bytes) == (6, 6, 7)
    assert (score.num_unknown, score.num_ends) == (1, 2)
