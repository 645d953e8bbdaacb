"""Symbols that are Unicode code points; all that the vocabulary lacks is one unknown symbol."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from charlm.data.code_points import BLOCK, code_points, to_utf8
from charlm.data.tokenizers.base import Tokenizer, Tokens, lengths_of, smallest_type

_REPLACEMENT = "\ufffd"


@final
class CharTokenizer(Tokenizer):
    """Symbol 0 is every unknown character; symbols 1, 2, … are the given characters, in the given order.

    Args:
        characters: distinct single code points. U+FFFD among them is a character like any other.

    Raises:
        DataError: a character is a lone surrogate, which no text file can hold.
    """

    kind = "char"
    unknown = 0

    def __init__(self, characters: Sequence[str]) -> None:
        self._characters = "".join(characters)
        assert len(self._characters) == len(characters) == len(set(characters)), "characters repeat or are longer"
        to_utf8(self._characters)
        self.pieces = [character.encode() for character in (_REPLACEMENT, *self._characters)]
        codes = code_points(self._characters)
        # One entry more than the highest code point: everything above it is clipped to that entry, unknown.
        highest = int(codes.max(initial=0))
        self._table: Tokens = np.zeros(highest + 2, dtype=smallest_type(self.vocabulary_size))
        self._table[codes] = np.arange(1, len(characters) + 1)

    def encode(self, text: str) -> Tokens:
        """Returns the symbols of `text`, one for each character."""
        tokens = np.empty(len(text), dtype=self._table.dtype)
        for start in range(0, len(text), BLOCK):
            codes = code_points(text[start : start + BLOCK])
            np.take(self._table, codes, mode="clip", out=tokens[start : start + BLOCK])
        return tokens

    def encode_each(self, texts: Sequence[str]) -> tuple[Tokens, NDArray[np.int64]]:
        """Returns the symbols of many texts, and how many of them are each text's."""
        return self.encode("".join(texts)), lengths_of(texts)

    def unknown_characters(self, text: str) -> list[str]:
        """Returns the distinct characters of `text` that the vocabulary lacks, in order of appearance."""
        unknown, first = np.unique(code_points(text)[self.encode(text) == 0], return_index=True)
        return [chr(code) for code in unknown[np.argsort(first)]]

    def extend(self, characters: Iterable[str]) -> "CharTokenizer":
        """Returns a tokenizer with the new ones of `characters` after those known before."""
        return CharTokenizer(list(dict.fromkeys([*self._characters, *characters])))

    def to_json(self) -> Mapping[str, Any]:
        """Returns all characters as one string."""
        return {"kind": "char", "characters": self._characters}
