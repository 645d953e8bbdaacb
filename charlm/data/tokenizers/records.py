"""Records, which are lines: any tokenizer plus a symbol before and a symbol after each record."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, final

import numpy as np

from charlm.data.tokenizers.base import Tokenizer, Tokens, smallest_type

_BEGIN, _END = 0, 1
_NUM_SPECIAL = 2


def split_lines(chunks: Iterable[str]) -> Iterator[str]:
    """Yields the lines of a text that arrives in pieces, empty ones too, without their LF or CRLF."""
    unfinished: list[str] = []
    for chunk in chunks:
        first, *others = chunk.split("\n")
        unfinished.append(first)
        for line in others:
            yield "".join(unfinished).removesuffix("\r")
            unfinished = [line]
    if last := "".join(unfinished):
        yield last.removesuffix("\r")


def split_records(chunks: Iterable[str]) -> Iterator[list[str]]:
    """Yields the records of a text that arrives in pieces, as many at a time as a piece completes.

    A record is a line without its LF or CRLF; empty ones are no records. At the end of the text a last line
    without a line end is one too. No more is held back than the unfinished line.
    """
    unfinished: list[str] = []
    for chunk in chunks:
        # All CRLF of a piece at once, and only where there are any: much faster than line by line.
        first, *others = (chunk.replace("\r\n", "\n") if "\r" in chunk else chunk).split("\n")
        if not others:
            unfinished.append(first)
            continue
        held = "".join(unfinished)
        if chunk.startswith("\n"):
            held = held.removesuffix("\r")
        yield list(filter(None, [held + first, *others[:-1]]))
        unfinished = [others[-1]]
    last = "".join(unfinished).removesuffix("\r")
    yield [last] if last else []


@final
class RecordTokenizer(Tokenizer):
    """Symbol 0 begins a record, symbol 1 ends it; the symbols of `inner` follow, each two higher."""

    begin = _BEGIN
    end = _END

    def __init__(self, inner: Tokenizer) -> None:
        assert inner.begin is None, "records of records"
        self._inner = inner
        self.kind = inner.kind
        self.pieces = [b"", b"\n", *inner.pieces]
        self.unknown = None if inner.unknown is None else inner.unknown + _NUM_SPECIAL
        self._dtype = smallest_type(self.vocabulary_size)

    @property
    def inner(self) -> Tokenizer:
        """The tokenizer of text without records."""
        return self._inner

    def encode(self, text: str) -> Tokens:
        """Returns the symbols of the records of `text`, each between begin and end."""
        return np.concatenate(list(self.encode_stream([text])))

    def encode_prompt(self, text: str) -> Tokens:
        """Returns the symbols of one record that goes on; a newline in it is a character like any other."""
        return self._encode_records([text])[:-1]

    def encode_stream(self, chunks: Iterable[str]) -> Iterator[Tokens]:
        """Yields the symbols of whole records."""
        return map(self._encode_records, split_records(chunks))

    def _encode_records(self, records: list[str]) -> Tokens:
        inner, lengths = self._inner.encode_each(records)
        stops = np.cumsum(lengths + _NUM_SPECIAL)
        tokens = np.empty(len(inner) + _NUM_SPECIAL * len(records), dtype=self._dtype)
        is_inner = np.ones(len(tokens), dtype=np.bool_)
        for token, positions in ((_BEGIN, stops - lengths - _NUM_SPECIAL), (_END, stops - 1)):
            tokens[positions] = token
            is_inner[positions] = False
        tokens[is_inner] = inner.astype(self._dtype) + self._dtype.type(_NUM_SPECIAL)
        return tokens

    def unknown_characters(self, text: str) -> list[str]:
        """Returns the distinct characters of `text` that no record can hold, in order of appearance."""
        return self._inner.unknown_characters(text)

    def extend(self, characters: Iterable[str]) -> "RecordTokenizer":
        """Returns a tokenizer that also knows `characters`, save the newline, which no record holds."""
        return RecordTokenizer(self._inner.extend(character for character in characters if character != "\n"))

    def symbol_name(self, token: int) -> str:
        """Returns <begin>, <end>, or the name of an inner symbol."""
        return ("<begin>", "<end>")[token] if token < _NUM_SPECIAL else self._inner.symbol_name(token - _NUM_SPECIAL)

    def to_json(self) -> Mapping[str, Any]:
        """Returns the JSON of the inner tokenizer, marked as one of records."""
        return {"kind": "records", "inner": self._inner.to_json()}
