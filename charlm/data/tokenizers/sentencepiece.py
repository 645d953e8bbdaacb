"""Symbols that are subwords, learnt and applied by the sentencepiece library; no character is ever lost."""

import base64
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, final

import numpy as np

from charlm.data.code_points import to_utf8
from charlm.data.tokenizers.base import Tokenizer, Tokens, smallest_type
from charlm.errors import DataError

SPACE_MARK = "\u2581"
"""The character that the library writes for a space."""

_LONGEST_PIECE = 1 << 11  # characters; from 16 thousand on, rounding changes symbols
_PROBE = " a  \r\n\t\x00\u2581\u2585\ufb01\u212b\uac00\U0001f600\n\n "


def cut_text(chunks: Iterable[str], *, longest: int = _LONGEST_PIECE) -> Iterator[str]:
    """Yields the same text in pieces of at most `longest` characters that depend on the text alone.

    A piece ends after the last newline in reach, else before the last spaces, else in the middle of a word.
    Only the last changes the symbols, because no subword holds a newline, or a space after another character.
    The library's own path through a long text would be worse: it adds up scores in 32 bits, which round them.
    """
    rest = ""
    for chunk in chunks:
        text, start = rest + chunk, 0
        while len(text) - start > longest:
            stop = start + _cut(text[start : start + longest])
            yield text[start:stop]
            start = stop
        rest = text[start:]
    if rest:
        yield rest


def _cut(window: str) -> int:
    return window.rfind("\n") + 1 or len(window[: max(window.rfind(" "), 0)].rstrip(" ")) or len(window)


@final
class SentencePieceTokenizer(Tokenizer):
    """Subwords; a character that is in none of them becomes its UTF-8 bytes, each a symbol.

    The library's symbol 'unknown' has a number too but is never produced, so `unknown` is None.

    Args:
        model_proto: a model as `train_sentencepiece` makes it.

    Raises:
        DataError: it is no sentencepiece model, or one that does not keep every text as it is.
    """

    kind = "sentencepiece"

    def __init__(self, model_proto: bytes) -> None:
        import sentencepiece  # Imported here because most runs do without it.

        self._model_proto = model_proto
        if not model_proto:  # The library takes nothing for "not loaded yet".
            raise DataError("This is no sentencepiece model (it is empty). Train one anew.")
        try:
            self._processor = sentencepiece.SentencePieceProcessor(model_proto=model_proto)
            ids = list(range(len(self._processor)))
            names = self._processor.id_to_piece(ids)
        except (RuntimeError, ValueError) as error:
            raise DataError(f"This is no sentencepiece model ({error}). Train one anew.") from None
        if sum(self._processor.is_byte(ids)) != 256 or any(self._processor.is_control(ids)):
            raise DataError("This sentencepiece model lacks byte pieces or has control pieces. Train one with charlm.")
        self._names = [name.replace(SPACE_MARK, " ") for name in names]
        self.pieces = [name.encode() for name in self._names]
        self._is_byte = self._processor.is_byte(ids)
        for token in ids:
            if self._is_byte[token]:
                self.pieces[token] = bytes([int(names[token][3:5], 16)])
        self.pieces[self._processor.unk_id()] = "\ufffd".encode()
        self._dtype = smallest_type(self.vocabulary_size)
        # The library decodes a lone mark to a space, so that a mark in a text is spelled in bytes.
        self._mark = np.array([self._processor.piece_to_id(f"<0x{byte:02X}>") for byte in SPACE_MARK.encode()])
        if self.decode(self.encode(_PROBE)) != _PROBE:
            raise DataError("This sentencepiece model changes the text that it encodes. Train one with charlm.")

    def encode(self, text: str) -> Tokens:
        """Returns the symbols of `text`.

        Raises:
            DataError: it holds a lone surrogate.
        """
        return np.concatenate([np.empty(0, dtype=self._dtype), *self.encode_stream([text])])

    def encode_stream(self, chunks: Iterable[str]) -> Iterator[Tokens]:
        """Yields the symbols of the text; they are the same however it was cut into chunks."""
        return (self._encode_piece(piece) for piece in cut_text(chunks))

    def _encode_piece(self, text: str) -> Tokens:
        first, *others = to_utf8(text).split(SPACE_MARK.encode())
        parts = [self._processor.encode_as_numpy(first)]
        for other in others:
            parts += [self._mark, self._processor.encode_as_numpy(other)]
        return np.concatenate(parts).astype(self._dtype)

    def symbol_name(self, token: int) -> str:
        """Returns a subword in quotes, a byte as <0xE9>."""
        if token == self._processor.unk_id():
            return "<unknown>"
        return self._names[token] if self._is_byte[token] else repr(self._names[token])

    def to_json(self) -> Mapping[str, Any]:
        """Returns the library's model in base 64."""
        return {"kind": "sentencepiece", "model": base64.b64encode(self._model_proto).decode("ascii")}
