import unicodedata
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charlm.data.cleaning import normalize_pieces, recut, unify_newlines

# Marks of several classes, Hangul letters and syllables, two-part vowels, letters that only look compatible,
# half-width kana whose marks are combining in NFKC, and plain letters.
TRICKY = (
    "aàé\u0300\u0301\u0323\u0327\u0338\u0345"
    "\u1100\u1161\u11a7\u11a8가각\uac01"
    "\u09c7\u09be\u09cb\u0b47\u0b56\u0cc6\u0cc2\u0cca\u0cd5\u0dd9\u0dcf\u0ddc\u0dca\u1025\u102e"
    "ﬁ①ｶ\uff9e\uff9f\u304b\u3099\u309a\u2126\u0340\u0344\u0958\u0915\u093c\u0f73\u0f71\u0f72"
    "\U00011131\U00011127\U000110ba\U00011099\ufb2c\u05d0 \n=\u2260"
)


def pieces_of(alphabet: str) -> st.SearchStrategy[list[str]]:
    return st.lists(st.text(st.sampled_from(alphabet), max_size=5), max_size=8)


@settings(deadline=None, max_examples=200)
@given(pieces_of("ab\r\n\r\n"))
def test_newlines_are_unified_as_if_the_text_were_whole(pieces: list[str]) -> None:
    whole = "".join(pieces)
    assert "".join(unify_newlines(pieces)) == whole.replace("\r\n", "\n").replace("\r", "\n")


def test_every_kind_of_line_end_becomes_lf() -> None:
    assert list(unify_newlines(["a\r", "\nb\r", "c\n", "\r"])) == ["a", "\nb", "\nc\n", "\n"]


@pytest.mark.parametrize("form", ["NFC", "NFKC"])
def test_normalisation_in_pieces_equals_normalisation_of_the_whole(form: Literal["NFC", "NFKC"]) -> None:
    @settings(deadline=None, max_examples=60)
    @given(st.lists(pieces_of(TRICKY), min_size=5, max_size=20))
    def holds(texts: list[list[str]]) -> None:
        pieces = [piece for text in texts for piece in text]
        assert "".join(normalize_pieces(pieces, form)) == unicodedata.normalize(form, "".join(pieces))

    holds()


@pytest.mark.parametrize("form", ["NFC", "NFKC"])
def test_no_pair_of_an_ordinary_and_a_tricky_character_is_cut_wrongly(form: Literal["NFC", "NFKC"]) -> None:
    text = "".join(first + second for first in TRICKY for second in TRICKY)
    assert "".join(normalize_pieces(text, form)) == unicodedata.normalize(form, text)


def test_normalisation_holds_back_no_more_than_the_last_character_and_its_marks() -> None:
    given_out = normalize_pieces(iter(["한글" * 1000, "e", "\u0301"]), "NFC")
    assert len(next(given_out)) == 1999
    assert list(given_out) == ["글", "é"]


@settings(deadline=None, max_examples=100)
@given(st.lists(st.text(max_size=12), max_size=10), st.integers(1, 7))
def test_recut_gives_equal_pieces_of_the_same_text(pieces: list[str], size: int) -> None:
    cut = list(recut(pieces, size))
    assert "".join(cut) == "".join(pieces)
    assert all(len(piece) == size for piece in cut[:-1])
    assert all(cut)
