import math

import numpy as np
import pytest

from charlm.data.encoder import EncodedText
from charlm.data.tokenfile import TokenFile
from charlm.data.tokenizers.byte import ByteTokenizer
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
    assert (score.num_symbols, score.num_characters) == (len(text) - 1, len(text) - 1)
    # Of 1,114,112 code points 2,048 are surrogates, and 3 are known.
    assert score.unknown_nats == pytest.approx(num_unknown * math.log(1_112_061))
    assert score.total_nats == pytest.approx(7.5 + num_unknown * math.log(1_112_061))
    assert (score.num_bytes, score.num_unknown, score.num_ends) == (num_bytes, num_unknown, 0)


def test_of_records_everything_but_their_begins_is_counted():
    # Two records of two characters each, the first of them unknown, and their ends.
    tokenizer = RecordTokenizer(ABC)
    tokens = np.asarray(tokenizer.encode("\u00e9b\nca\n"))
    score = make_score(7.5, EncodedText(TokenFile(tokens), 8, 6, 7, 1, 2, 0), tokenizer)
    assert (score.num_symbols, score.num_characters, score.num_bytes) == (6, 6, 7)
    assert (score.num_unknown, score.num_ends) == (1, 2)
    # Of the characters that are not "a", "b" or "c", the line end is no unknown one: it ends a record.
    assert score.total_nats == pytest.approx(7.5 + math.log(1_112_060))


def test_the_code_lengths_of_all_texts_of_one_more_character_sum_to_one():
    # A model that gives "a", "b", "c" and the unknown symbol 0.4, 0.3, 0.2 and 0.1, after a first character.
    def probability(character: str, of_symbol: float) -> float:
        return math.exp(-make_score(-math.log(of_symbol), running_text("a" + character), ABC).total_nats)

    known = sum(probability(character, share) for character, share in zip("abc", (0.4, 0.3, 0.2), strict=True))
    num_others = 0x110000 - 0x800 - len("abc")
    assert known + num_others * probability("\u6570", 0.1) == pytest.approx(1.0, abs=1e-12)


def test_a_tokenizer_without_an_unknown_symbol_pays_for_no_character():
    tokens = ByteTokenizer().encode("a\u6570")
    text = EncodedText(TokenFile(tokens), 4, 2, 4, 0, 0, 1)
    score = make_score(7.5, text, ByteTokenizer())
    assert (score.total_nats, score.unknown_nats) == (7.5, 0.0)
