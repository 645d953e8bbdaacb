"""What holds at each character of a text: whether it is inside quotes, its place in the line, and so on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from charlm.data.code_points import code_points

LOOKBACK = 4096
"""Characters before a stretch from which its properties follow; a heading further back is not seen."""

_LINE_END = ord("\n")
_STRAIGHT = ord('"')
_QUOTES = {ord("“"): 1, ord("«"): 1, ord("”"): -1, ord("»"): -1}
_BRACKETS = {ord(each): 1 for each in "([{"} | {ord(each): -1 for each in ")]}"}
_LONGEST_HEADING = 60


@dataclass(frozen=True)
class Property:
    """One property of a place in a text; a number, or, if `is_number` is false, something that is so or not."""

    name: str
    is_number: bool


PROPERTIES = (
    Property("inside quotes", is_number=False),
    Property("inside brackets", is_number=False),
    Property("upper case", is_number=False),
    Property("after a line end", is_number=False),
    Property("place in the line", is_number=True),
    Property("place in the word", is_number=True),
    Property("lines since a heading", is_number=True),
)


def text_properties(text: str, *, are_records: bool = False) -> NDArray[np.float32]:
    """Returns the value of each of PROPERTIES after each character, `[properties, characters]`.

    Quotes and brackets end with their paragraph at the latest. A heading is a line of at most 60 characters after an
    empty one, with a letter and without punctuation of a sentence at its end. Lines since one are counted as
    log(1 + lines).

    Args:
        are_records: whether each line is a record: quotes and brackets end with it, and there are no headings.
    """
    codes = code_points(text)
    kinds, inverse = np.unique(codes, return_inverse=True)
    letters = np.array([chr(code).isalpha() for code in kinds], dtype=bool)[inverse]
    capitals = np.array([chr(code).isupper() for code in kinds], dtype=bool)[inverse]
    line_ends = codes == _LINE_END
    after_another = np.concatenate(([False], line_ends[:-1]))
    quoted, bracketed = _nesting(codes, borders=line_ends if are_records else line_ends & after_another)
    values = (
        quoted,
        bracketed,
        capitals,
        line_ends,
        _distance_since(line_ends),
        _distance_since(~letters),
        np.zeros(len(codes)) if are_records else _lines_since_heading(text),
    )
    return np.array(values, dtype=np.float32)


def _nesting(codes: NDArray[np.uint32], *, borders: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Returns whether there is an open quote, and an open bracket, after each character; at borders all are closed."""
    marks = np.array([_STRAIGHT, *_QUOTES, *_BRACKETS], dtype=np.uint32)
    events = np.flatnonzero(np.isin(codes, marks) | borders)
    straight, quotes, brackets = False, 0, 0
    quoted, bracketed = [False], [False]
    for code in codes[events].tolist():
        if code == _LINE_END:
            straight, quotes, brackets = False, 0, 0
        elif code == _STRAIGHT:
            straight = not straight
        else:
            quotes = max(0, quotes + _QUOTES.get(code, 0))
            brackets = max(0, brackets + _BRACKETS.get(code, 0))
        quoted.append(straight or quotes > 0)
        bracketed.append(brackets > 0)
    last_event = np.searchsorted(events, np.arange(len(codes)), side="right")
    return np.array(quoted)[last_event], np.array(bracketed)[last_event]


def _distance_since(marks: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Returns how many characters lie between each one and the last that is marked; 0 for a marked one."""
    places = np.arange(len(marks))
    distances: NDArray[np.int64] = places - np.maximum.accumulate(np.where(marks, places, -1))
    return distances


def _lines_since_heading(text: str) -> NDArray[np.float64]:
    # Not splitlines(), which ends lines at other characters, too.
    lines = text.split("\n")
    lengths = [len(line) + 1 for line in lines]
    distances = np.repeat(_heading_distances(lines), lengths)[: len(text)].astype(np.float64)
    return np.log1p(distances)


def _heading_distances(lines: list[str]) -> list[int]:
    distances, distance, after_empty = [], 0, True
    for line in lines:
        distances.append(distance)
        stripped = line.strip()
        is_short = len(stripped) <= _LONGEST_HEADING and any(map(str.isalpha, stripped))
        distance = 1 if after_empty and is_short and stripped[-1] not in ".,;!?" else distance + 1
        after_empty = not stripped
    return distances
