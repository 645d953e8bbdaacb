"""The tokenizer: from text to symbols and back, without loss."""

import codecs
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence, Sized
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from charlm.errors import ConfigError
from charlm.tasks import Outputs

Tokens = NDArray[np.integer[Any]]

NUM_UNICODE_CHARACTERS = 0x110000 - 0x800
"""Number of Unicode scalar values: the code points without the surrogates, which are no characters."""


def smallest_type(vocabulary_size: int) -> np.dtype[Any]:
    """Returns the smallest unsigned integer type, little-endian, that holds every symbol of a vocabulary."""
    return np.dtype(np.min_scalar_type(vocabulary_size - 1)).newbyteorder("<")


def lengths_of(parts: Sequence[Sized]) -> NDArray[np.int64]:
    """Returns the length of each part, `[parts]`."""
    return np.fromiter(map(len, parts), np.int64, len(parts))


@final
class Decoder:
    """Turns symbols, of which it knows the bytes, into text one at a time, never showing half a character."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._pieces = pieces
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._is_within_character = False

    def feed(self, token: int) -> str:
        """Returns the text that `token` completes; empty while a character is unfinished."""
        piece = self._pieces[token]
        if piece.isascii() and piece and not self._is_within_character:
            return piece.decode()  # Far faster than the other way.
        text = self._decoder.decode(piece, final=not piece)
        self._is_within_character = bool(self._decoder.getstate()[0])
        return text

    def finish(self) -> str:
        """Returns an unfinished character as U+FFFD, or nothing, and starts afresh."""
        self._is_within_character = False
        return self._decoder.decode(b"", final=True)


class Tokenizer(ABC):
    """A fixed vocabulary of symbols `0 … vocabulary_size - 1` and the text each of them stands for.

    Tokenizers are equal if they are of one class and their JSON is equal.

    Attributes:
        kind: the kind of the symbols by name: char, byte or sentencepiece.
        pieces: the UTF-8 bytes of each symbol, maybe part of a character. Of the unknown symbol they are those of
            U+FFFD, of a record's end those of a newline, and of a record's begin there are none.
        unknown: the symbol for everything the vocabulary lacks; None where nothing is unknown.
        begin: the symbol before a record; None where text is one stream.
        end: the symbol after a record; None where text is one stream.
        num_given: symbols of each record that are given and not predicted, its begin among them.
        outputs: the labels that are predicted; None where it is the next symbol.
    """

    kind: str
    pieces: Sequence[bytes]
    unknown: int | None = None
    begin: int | None = None
    end: int | None = None
    num_given: int = 1
    outputs: Outputs | None = None

    @property
    def line_end(self) -> int | None:
        """The symbol that is a line feed and nothing else; None where there is none."""
        return next((symbol for symbol, piece in enumerate(self.pieces) if piece == b"\n"), None)

    @property
    def vocabulary_size(self) -> int:
        """Number of symbols, special ones included."""
        return len(self.pieces)

    @property
    def symbol_characters(self) -> NDArray[np.int64]:
        """For each symbol the characters that begin in it: sums to the code points of what was encoded.

        A byte begins a character of UTF-8 unless its first two bits are 1 and 0 (RFC 3629, section 3).
        """
        begins = (np.frombuffer(b"".join(self.pieces), dtype=np.uint8) & 0xC0) != 0x80
        stops = np.cumsum(lengths_of(self.pieces))
        return np.diff(np.concatenate([[0], np.cumsum(begins)])[stops], prepend=0)

    @property
    def symbol_bytes(self) -> NDArray[np.int64]:
        """For each symbol its UTF-8 bytes; 0 for unknown, because its bytes vary."""
        lengths = lengths_of(self.pieces)
        if self.unknown is not None:
            lengths[self.unknown] = 0
        return lengths

    @property
    def num_unknown_characters(self) -> int:
        """Number of Unicode characters that the unknown symbol may stand for; 0 where nothing is unknown.

        They are the characters without a symbol of their own. The line end has one in records: their end.
        """
        if self.unknown is None:
            return 0
        known = {piece for symbol, piece in enumerate(self.pieces) if piece and symbol != self.unknown}
        return NUM_UNICODE_CHARACTERS - len(known)

    def can_be_target(self) -> NDArray[np.bool_]:
        """Returns for each symbol whether it may be predicted: all but the begin of a record, which is given."""
        can = np.ones(self.vocabulary_size, dtype=np.bool_)
        if self.begin is not None:
            can[self.begin] = False
        return can

    def scored_text(self, piece: str) -> str:
        """Returns the part of a piece of text whose characters are counted: all of it, unless it is examples."""
        return piece

    @abstractmethod
    def encode(self, text: str) -> Tokens:
        """Returns the symbols of `text`, a 1-D array of the smallest integer type that holds the vocabulary.

        Raises:
            DataError: the vocabulary is made of bytes, and the text holds a lone surrogate.
        """

    def encode_each(self, texts: Sequence[str]) -> tuple[Tokens, NDArray[np.int64]]:
        """Returns the symbols of many texts one after the other, and how many of them are each text's.

        The symbols are those that `encode` gives for each text; some tokenizers find them faster here.
        """
        parts = [self.encode(text) for text in texts]
        return np.concatenate([np.empty(0, dtype=smallest_type(self.vocabulary_size)), *parts]), lengths_of(parts)

    def encode_prompt(self, text: str) -> Tokens:
        """Returns the symbols of a text to be continued: a record is begun but not ended."""
        return self.encode(text)

    def encode_stream(self, chunks: Iterable[str]) -> Iterable[Tokens]:
        """Yields the symbols of a text that arrives in pieces, cut where it does not change the symbols."""
        return map(self.encode, chunks)

    @property
    def inner(self) -> "Tokenizer":
        """The tokenizer of text without records; this one unless it is of records."""
        return self

    def given(self, condition: str | None) -> "Tokenizer":
        """Returns the tokenizer whose prompts begin with a condition; this one without.

        Raises:
            ConfigError: there is a condition, and the tokenizer knows none.
        """
        if condition is not None:
            raise ConfigError("--condition is for models trained with --task generate; leave it out.")
        return self

    def decode(self, tokens: Iterable[int]) -> str:
        """Returns the text of `tokens`; unknown and bytes that are no UTF-8 become U+FFFD, record ends newlines."""
        decoder = self.decoder()
        return "".join(map(decoder.feed, tokens)) + decoder.finish()

    def decoder(self) -> Decoder:
        """Returns a decoder that takes symbols one at a time."""
        return Decoder(self.pieces)

    def unknown_characters(self, text: str) -> list[str]:
        """Returns the distinct characters of `text` that the vocabulary lacks, in order of appearance."""
        return []

    def extend(self, characters: Iterable[str]) -> "Tokenizer":
        """Returns a tokenizer that also knows `characters`; symbols known before keep their numbers."""
        return self

    def symbol_name(self, token: int) -> str:
        """Returns a printable name of one symbol, for tables and messages: 'a', <0xE9> or <unknown>."""
        if token == self.unknown:
            return "<unknown>"
        try:
            return repr(self.pieces[token].decode())
        except UnicodeDecodeError:
            return f"<0x{self.pieces[token].hex().upper()}>"

    @abstractmethod
    def to_json(self) -> Mapping[str, Any]:
        """Returns all that rebuilds the tokenizer, as JSON values."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and self.to_json() == other.to_json()

    def __hash__(self) -> int:
        return hash((type(self), self.vocabulary_size))
