"""What a tokenizer is: text to symbols and back, without loss, whatever the kind."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Tokens = NDArray[np.integer[Any]]


def smallest_type(vocabulary_size: int) -> np.dtype[Any]:
    """Returns the smallest unsigned integer type, little-endian, that holds every symbol of a vocabulary."""
    return np.dtype(np.min_scalar_type(vocabulary_size - 1)).newbyteorder("<")


class Decoder(Protocol):
    """Turns symbols into text one at a time, never showing half a character."""

    def feed(self, token: int) -> str:
        """Returns the text that `token` completes; empty while a character is unfinished."""
        ...

    def finish(self) -> str:
        """Returns an unfinished character as U+FFFD, or nothing, and starts afresh."""
        ...


class Tokenizer(ABC):
    """A fixed vocabulary of symbols `0 … vocabulary_size - 1` and the text each of them stands for.

    Tokenizers are equal if they are of one class and their JSON is equal.

    Attributes:
        kind: the kind of the symbols by name: char, byte or sentencepiece.
        vocabulary_size: number of symbols, special ones included.
        unknown: the symbol for everything the vocabulary lacks; None where nothing is unknown.
        begin: the symbol before a record; None where text is one stream.
        end: the symbol after a record; None where text is one stream.
    """

    kind: str
    vocabulary_size: int
    unknown: int | None = None
    begin: int | None = None
    end: int | None = None

    @property
    @abstractmethod
    def symbol_characters(self) -> NDArray[np.int64]:
        """For each symbol the characters it stands for: sums to the code points of what was encoded.

        A character counts at its first UTF-8 byte, so later bytes count 0; unknown counts 1; the end of a
        record counts 1, its line end; the begin 0.
        """

    @property
    @abstractmethod
    def symbol_bytes(self) -> NDArray[np.int64]:
        """For each symbol the UTF-8 bytes it stands for; ends as above, unknown 0 because its bytes vary."""

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
        lengths = np.fromiter(map(len, parts), np.int64, len(parts))
        return np.concatenate([np.empty(0, dtype=smallest_type(self.vocabulary_size)), *parts]), lengths

    def encode_prompt(self, text: str) -> Tokens:
        """Returns the symbols of a text to be continued: a record is begun but not ended."""
        return self.encode(text)

    def encode_stream(self, chunks: Iterable[str]) -> Iterable[Tokens]:
        """Yields the symbols of a text that arrives in pieces, cut where it does not change the symbols."""
        return map(self.encode, chunks)

    def decode(self, tokens: Iterable[int]) -> str:
        """Returns the text of `tokens`; unknown and bytes that are no UTF-8 become U+FFFD, record ends newlines."""
        decoder = self.decoder()
        return "".join(map(decoder.feed, tokens)) + decoder.finish()

    @abstractmethod
    def decoder(self) -> Decoder:
        """Returns a decoder that takes symbols one at a time."""

    def unknown_characters(self, text: str) -> list[str]:
        """Returns the distinct characters of `text` that the vocabulary lacks, in order of appearance."""
        return []

    def extend(self, characters: Iterable[str]) -> "Tokenizer":
        """Returns a tokenizer that also knows `characters`; symbols known before keep their numbers."""
        return self

    @abstractmethod
    def symbol_name(self, token: int) -> str:
        """Returns a printable name of one symbol, for tables and messages."""

    @abstractmethod
    def to_json(self) -> Mapping[str, Any]:
        """Returns all that rebuilds the tokenizer, as JSON values."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and self.to_json() == other.to_json()

    def __hash__(self) -> int:
        return hash((type(self), self.vocabulary_size))
