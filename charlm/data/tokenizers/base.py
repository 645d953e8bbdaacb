"""What a tokenizer is: text to symbols and back, without loss, whatever the kind."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Tokens = NDArray[np.integer[Any]]


class Decoder(Protocol):
    """Turns symbols into text one at a time, never showing half a character."""

    def feed(self, token: int) -> str:
        """Returns the text that `token` completes; empty while a character is unfinished."""
        ...

    def finish(self) -> str:
        """Returns what is left: an unfinished character as U+FFFD, or nothing."""
        ...


class Tokenizer(Protocol):
    """A fixed vocabulary of symbols `0 … vocabulary_size - 1` and the text each of them stands for."""

    @property
    def kind(self) -> str:
        """The kind by name: char, byte or sentencepiece."""
        ...

    @property
    def vocabulary_size(self) -> int:
        """How many symbols there are, special ones included."""
        ...

    @property
    def unknown(self) -> int | None:
        """The symbol for everything the vocabulary lacks; None where nothing is unknown."""
        ...

    @property
    def begin(self) -> int | None:
        """The symbol before a record; None where text is one stream."""
        ...

    @property
    def end(self) -> int | None:
        """The symbol after a record; None where text is one stream."""
        ...

    @property
    def symbol_characters(self) -> NDArray[np.int64]:
        """For each symbol the characters it stands for: sums to the code points of what was encoded.

        A character counts at its first UTF-8 byte, so later bytes count 0; unknown counts 1; the end of a
        record counts 1, its line end; the begin 0.
        """
        ...

    @property
    def symbol_bytes(self) -> NDArray[np.int64]:
        """For each symbol the UTF-8 bytes it stands for; ends as above, unknown 0 because its bytes vary."""
        ...

    def encode(self, text: str) -> Tokens:
        """Returns the symbols of `text`, a 1-D array of the smallest integer type that holds the vocabulary."""
        ...

    def encode_each(self, texts: Sequence[str]) -> tuple[Tokens, NDArray[np.int64]]:
        """Returns the symbols of many texts one after the other, and how many of them are each text's.

        The same symbols as from `encode` for each text, found faster where the texts are short.
        """
        ...

    def encode_prompt(self, text: str) -> Tokens:
        """Returns the symbols of a text to be gone on with: a record is begun but not ended."""
        ...

    def encode_stream(self, chunks: Iterable[str]) -> Iterable[Tokens]:
        """Yields the symbols of a text that arrives in pieces, cut where it does not change the symbols."""
        ...

    def decode(self, tokens: Iterable[int]) -> str:
        """Returns the text of `tokens`; unknown is shown as U+FFFD, record ends as nothing."""
        ...

    def decoder(self) -> Decoder:
        """Returns a decoder that takes symbols one at a time."""
        ...

    def unknown_characters(self, text: str) -> list[str]:
        """Returns the distinct characters of `text` that the vocabulary lacks, in order of appearance."""
        ...

    def extend(self, characters: Iterable[str]) -> "Tokenizer":
        """Returns a tokenizer that also knows `characters`; symbols known before keep their numbers."""
        ...

    def symbol_name(self, token: int) -> str:
        """Returns a printable name of one symbol, for tables and messages."""
        ...

    def to_json(self) -> Mapping[str, Any]:
        """Returns all that rebuilds the tokenizer, as JSON values."""
        ...
