"""A text in segments, each with a tag: the target of an example whose every symbol gets one."""

from collections.abc import Iterable
from typing import NamedTuple


class Segment(NamedTuple):
    """A stretch of a text, such as a token.

    Attributes:
        length: its characters.
        tag: None for what lies between tokens, which is not tagged.
    """

    length: int
    tag: str | None


def write_segments(segments: Iterable[Segment]) -> str:
    """Returns segments as text: a number for each and, unless it lies between tokens, its tag; tabs between them."""
    return "\t".join(f"{length}" if tag is None else f"{length} {tag}" for length, tag in segments)


def parse_segments(target: str) -> list[Segment]:
    """Returns the segments that `write_segments` wrote."""
    found = []
    for each in target.split("\t"):
        length, _, tag = each.partition(" ")
        found.append(Segment(int(length), tag or None))
    return found
