"""Symbols that are the 256 bytes of UTF-8; nothing is unknown."""

import codecs
from collections.abc import Mapping, Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from charlm.data.code_points import to_utf8
from charlm.data.tokenizers.base import Tokenizer, Tokens


def is_first_byte(byte: int) -> bool:
    """Returns whether `byte` begins a character of UTF-8 (RFC 3629, section 3) rather than continuing one."""
    return byte & 0xC0 != 0x80


@final
class ByteTokenizer(Tokenizer):
    """Symbol n is the byte n."""

    kind = "byte"
    vocabulary_size = 256

    @property
    def symbol_characters(self) -> NDArray[np.int64]:
        """1 for a byte that begins a character, 0 for one that continues it."""
        return np.array([is_first_byte(byte) for byte in range(256)], dtype=np.int64)

    @property
    def symbol_bytes(self) -> NDArray[np.int64]:
        """One byte for every symbol."""
        return np.ones(256, dtype=np.int64)

    def encode(self, text: str) -> Tokens:
        """Returns the bytes of `text`.

        Raises:
            DataError: it holds a lone surrogate.
        """
        # A copy, because an array over bytes is read-only, and torch warns of those.
        return np.frombuffer(to_utf8(text), dtype=np.uint8).copy()

    def encode_each(self, texts: Sequence[str]) -> tuple[Tokens, NDArray[np.int64]]:
        """Returns the bytes of many texts, and how many of them are each text's.

        Raises:
            DataError: a text holds a lone surrogate.
        """
        encoded = [to_utf8(text) for text in texts]
        lengths = np.fromiter(map(len, encoded), np.int64, len(encoded))
        return np.frombuffer(b"".join(encoded), dtype=np.uint8).copy(), lengths

    def decoder(self) -> "Utf8Decoder":
        """Returns a decoder that takes bytes one at a time."""
        return Utf8Decoder([bytes([byte]) for byte in range(256)])

    def symbol_name(self, token: int) -> str:
        """Returns an ASCII character in quotes, any other byte as <0xE9>."""
        return repr(chr(token)) if token < 128 else f"<0x{token:02X}>"

    def to_json(self) -> Mapping[str, Any]:
        """Returns the kind alone."""
        return {"kind": "byte"}


@final
class Utf8Decoder:
    """Holds bytes back until they make up a whole character.

    Args:
        pieces: the bytes of each symbol.
    """

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._pieces = pieces
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def feed(self, token: int) -> str:
        """Returns the characters that `token` completes."""
        return self._decoder.decode(self._pieces[token])

    def finish(self) -> str:
        """Returns U+FFFD for an unfinished character, or nothing."""
        return self._decoder.decode(b"", True)
