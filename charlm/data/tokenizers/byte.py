"""Symbols that are the 256 bytes of UTF-8; nothing is unknown."""

from collections.abc import Mapping, Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from charlm.data.code_points import to_utf8
from charlm.data.tokenizers.base import Tokenizer, Tokens, lengths_of


@final
class ByteTokenizer(Tokenizer):
    """Symbol n is the byte n."""

    kind = "byte"
    pieces = tuple(bytes([byte]) for byte in range(256))

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
        return np.frombuffer(b"".join(encoded), dtype=np.uint8).copy(), lengths_of(encoded)

    def to_json(self) -> Mapping[str, Any]:
        """Returns the kind alone."""
        return {"kind": "byte"}
