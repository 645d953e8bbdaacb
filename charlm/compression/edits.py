"""What has to be changed in a text to get another one, which differs from it in few places."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from charlm.compression.packing import pack, unpack
from charlm.files.errors import UntrustedFileError

_NUMBER = np.dtype("<u4")
_SURROGATES = "surrogatepass"
"""Invalid bytes are half of surrogate pairs in a text, see PEP 383; UTF-8 has none without being asked for it."""


class Edit(NamedTuple):
    """A place where two texts differ.

    Attributes:
        kept: characters since the last place, which are the same.
        removed: characters of the first text that are not in the second.
        added: what is there in the second instead.
    """

    kept: int
    removed: int
    added: str


def edits_between(pieces: Iterable[tuple[str, str]]) -> Iterator[Edit]:
    """Yields the places where two texts differ, given as pieces of the first and what is in the second instead."""
    kept = 0
    for before, after in pieces:
        if before == after:
            kept += len(before)
            continue
        start = _same_beginning(before, after)
        end = _same_beginning(before[start:][::-1], after[start:][::-1])
        stop = len(before) - end
        yield Edit(kept + start, stop - start, after[start : len(after) - end])
        kept = end


def _same_beginning(one: str, other: str) -> int:
    """Returns how many characters two texts begin with that are the same."""
    differing = (place for place, (left, right) in enumerate(zip(one, other, strict=False)) if left != right)
    return next(differing, min(len(one), len(other)))


def edited(text: str, edits: Iterable[Edit]) -> str:
    """Returns a text with its edits made; edits beyond its end are an UntrustedFileError."""
    parts, place = [], 0
    for kept, removed, added in edits:
        parts += [text[place : place + kept], added]
        place += kept + removed
        if place > len(text):
            raise UntrustedFileError("has edits of another text")
    return "".join([*parts, text[place:]])


def pack_edits(edits: list[Edit]) -> bytes:
    """Returns edits as bytes; none where there are none."""
    if not edits:
        return b""
    numbers = np.array([(edit.kept, edit.removed, len(edit.added)) for edit in edits], dtype=_NUMBER)
    text = "".join(edit.added for edit in edits).encode(errors=_SURROGATES)
    return pack(np.array(len(edits), dtype=_NUMBER).tobytes() + numbers.T.tobytes() + text)


def unpack_edits(packed: bytes) -> list[Edit]:
    """Returns edits from their bytes; others are an UntrustedFileError."""
    if not packed:
        return []
    content = unpack(packed)
    count = int.from_bytes(content[: _NUMBER.itemsize], "little")
    end = _NUMBER.itemsize * (1 + 3 * count)
    if end > len(content):
        raise UntrustedFileError("has edits that are cut short")
    kept, removed, lengths = np.frombuffer(content[_NUMBER.itemsize : end], _NUMBER).reshape(3, count).tolist()
    text = to_text(content[end:])
    stops = np.cumsum(lengths, dtype=np.int64).tolist()
    added = [text[stop - length : stop] for stop, length in zip(stops, lengths, strict=True)]
    return list(map(Edit, kept, removed, added))


def pack_text(text: str) -> bytes:
    """Returns a text as bytes; none for an empty one."""
    return pack(text.encode(errors=_SURROGATES)) if text else b""


def unpack_text(packed: bytes) -> str:
    """Returns a text from its bytes; others are an UntrustedFileError."""
    return to_text(unpack(packed)) if packed else ""


def to_text(content: bytes) -> str:
    """Returns a text from UTF-8 that may have halves of surrogate pairs; other bytes are an UntrustedFileError."""
    try:
        return content.decode(errors=_SURROGATES)
    except UnicodeDecodeError:
        raise UntrustedFileError("has bytes that are no text") from None
