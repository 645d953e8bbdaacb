"""The standard library of Python, every character with the class of the token that it is in."""

import io
import keyword
import tokenize
from collections.abc import Iterator

from charlm.data.examples.example import Example
from charlm.data.examples.segments import Segment, write_segments

_CLASSES = {"COMMENT": "comment", "STRING": "string", "NUMBER": "number", "OP": "operator"}
_BLANK = "blank"
_USUAL_LENGTH = 400
_LONGEST = 1500


def tagged_blocks(text: str) -> Iterator[Example]:
    """Yields a source file in blocks of whole lines, each character with its class; nothing of one that has errors.

    The classes are those of Python's tokenizer, names divided into keywords and others; what is in no token is blank. A
    block has some 400 characters and, if it can, does not end within a token.
    """
    try:
        classes = _classes(text)
    except (tokenize.TokenError, SyntaxError):
        return
    start, place = 0, 0
    for line in _lines(text):
        place += len(line)
        length = place - start
        is_inside = place < len(text) and classes[place - 1] == "string" and classes[place] == "string"
        if (length >= _USUAL_LENGTH and not is_inside) or length >= _LONGEST or place == len(text):
            yield from _cut(text[start:place], classes[start:place])
            start = place


def _cut(text: str, classes: list[str]) -> Iterator[Example]:
    """Yields a block; of one with very long lines, its parts."""
    for start in range(0, len(text), _LONGEST):
        part = classes[start : start + _LONGEST]
        yield Example(text[start : start + _LONGEST], write_segments(_segments(part)))


def _segments(classes: list[str]) -> Iterator[Segment]:
    start = 0
    for place in range(1, len(classes) + 1):
        if place == len(classes) or classes[place] != classes[start]:
            yield Segment(place - start, classes[start])
            start = place


def _lines(text: str) -> list[str]:
    return [f"{line}\n" for line in text.split("\n")[:-1]] + [text.rpartition("\n")[2]]


def _classes(text: str) -> list[str]:
    starts = [0]
    for line in _lines(text):
        starts.append(starts[-1] + len(line))
    classes = [_BLANK] * len(text)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        kind = tokenize.tok_name[token.type].removeprefix("F").removesuffix("_START").removesuffix("_MIDDLE")
        name = _CLASSES.get(kind.removesuffix("_END"))
        if kind == "NAME":
            name = "keyword" if keyword.iskeyword(token.string) else "name"
        if name is not None:
            first, last = (starts[row - 1] + column for row, column in (token.start, token.end))
            classes[first:last] = [name] * (last - first)
    return classes
