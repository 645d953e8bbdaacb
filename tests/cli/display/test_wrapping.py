import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.cli.display.wrapping import WordWrap


def wrapped(*pieces: str, width: int = 8) -> str:
    wrap = WordWrap(width)
    return "".join(map(wrap.add, pieces)) + wrap.rest()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("one two three", "one two \nthree"),
        ("one two\nthree", "one two\nthree"),
        ("12345678 9", "12345678\n9"),
        ("1234 678 0", "1234 678\n0"),
        ("ab 12345678901 c", "ab \n12345678901 c"),
        ("12345678901234 678", "12345678901234 \n678"),
        ("a\tb c", "a\t\nb c"),
        ("中文字 中文", "中文字 \n中文"),
        (" \n\n x", " \n\n x"),
    ],
)
def test_a_word_that_does_not_fit_begins_a_line(text: str, expected: str) -> None:
    assert wrapped(text) == expected
    # However the text arrives.
    assert wrapped(*text) == expected


def test_a_word_that_is_shown_already_is_not_broken() -> None:
    wrap = WordWrap(8)
    assert wrap.add("to hel") + wrap.rest() + wrap.add("lo you") + wrap.rest() == "to hello\nyou"


@given(st.text(alphabet="ab \n\t中", max_size=60), st.integers(1, 12))
def test_nothing_but_line_ends_is_added(text: str, width: int) -> None:
    shown = wrapped(*text, width=width)
    assert shown.split() == text.split() or max(map(len, text.split())) >= width
    assert "".join(shown.split()) == "".join(text.split())
    assert shown.count("\n") >= text.count("\n")
