"""Text as numbers: the code point of each character, its bytes in UTF-8, and how many there are."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from charlm.errors import DataError

BLOCK = 1 << 16
"""Characters to look up at a time: their intermediate arrays stay in the processor's cache."""
_NUM_CODE_POINTS = 0x110000


def code_points(text: str) -> NDArray[np.uint32]:
    """Returns the Unicode code points of `text`, lone surrogates included."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")


def to_utf8(text: str) -> bytes:
    """Returns `text` in UTF-8; a lone surrogate, which UTF-8 cannot express, is a DataError."""
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise DataError(
            f"U+{ord(text[error.start]):04X} at character {error.start} of {text[:20]!r}… is half of a surrogate "
            "pair and no character. Decode the text with its right encoding."
        ) from None


def utf8_length(text: str) -> int:
    """Returns the bytes that `text` takes in UTF-8, three times as fast as encoding it to count them.

    A character takes one byte, and one more from each of U+0080, U+0800 and U+10000 on (RFC 3629, section 3).
    """
    length = len(text)
    if text.isascii():
        return length
    for start in range(0, len(text), BLOCK):
        codes = code_points(text[start : start + BLOCK])
        highest = codes.max()
        for first in (0x80, 0x800, 0x10000):
            if highest >= first:
                length += int(np.count_nonzero(codes >= first))
    return length


def distinct_characters(pieces: Iterable[str]) -> str:
    """Returns the distinct characters of a text that arrives in pieces, in the order of their code points."""
    seen = np.zeros(_NUM_CODE_POINTS, dtype=np.bool_)
    for piece in pieces:
        for start in range(0, len(piece), BLOCK):
            codes = code_points(piece[start : start + BLOCK])
            # Nearly every block has only known characters, and reading is twice as fast as writing.
            if not np.take(seen, codes).all():
                seen[codes] = True
    return "".join(map(chr, np.flatnonzero(seen)))
