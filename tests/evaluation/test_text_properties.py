import numpy as np
import pytest

from charlm.evaluation.text_properties import PROPERTIES, text_properties


def value(name: str, text: str) -> list[float]:
    return text_properties(text)[[each.name for each in PROPERTIES].index(name)].tolist()


def marked(name: str, text: str) -> str:
    return "".join(str(int(each)) for each in value(name, text))


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("inside quotes", 'a "bc" d', "00111000"),
        ("inside quotes", "a “b “c” d” e", "0011111111000"),
        ("inside quotes", 'a "b\n\nc" d', "0011100111"),  # The paragraph ends the first; the second begins one.
        ("inside brackets", "a (b [c] d) e", "0011111111000"),
        ("inside brackets", "1) a (b", "0000011"),
        ("upper case", "aBÄß1", "01100"),
        ("after a line end", "a\n\nb", "0110"),
        ("place in the line", "ab\ncd", "12012"),
        ("place in the word", "to be, é", "12012001"),
    ],
)
def test_properties_hold_after_the_character(name, text, expected):
    assert marked(name, text) == expected


def test_lines_are_counted_from_a_heading():
    text = "Title\none.\n\nNext part\n=====\nText, text.\n\nA sentence.\n"
    lines = value("lines since a heading", text)
    starts = [0, *(index + 1 for index, each in enumerate(text[:-1]) if each == "\n")]
    # The second heading's own line still counts from the first.
    expected = np.log1p([0, 1, 2, 3, 1, 2, 3, 4])
    assert [lines[start] for start in starts] == pytest.approx(expected)


def test_quotes_end_with_their_record_and_there_are_no_headings():
    values = text_properties('a "b\nc\n\nd', are_records=True)
    known = dict(zip((each.name for each in PROPERTIES), values.tolist(), strict=True))
    assert known["inside quotes"] == [0, 0, 1, 1, 0, 0, 0, 0, 0]
    assert not any(known["lines since a heading"])


@pytest.mark.parametrize("text", ["", "\n", "\r\n\x85\u2028x", "\udc80(", "”»)]}"])
def test_any_text_has_properties(text):
    values = text_properties(text)
    assert values.shape == (len(PROPERTIES), len(text))
    assert np.isfinite(values).all()
