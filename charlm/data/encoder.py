"""Encodes a text into a flat file of symbols, in a stream, and counts what it reads."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from charlm.data.code_points import utf8_length
from charlm.data.tokenfile import TokenFile
from charlm.data.tokenizers.base import Tokenizer, smallest_type


@dataclass(frozen=True)
class EncodedText:
    """A text as symbols, and what was counted in it.

    Attributes:
        num_symbols: its symbols, begins and ends of records included.
        num_characters: its Unicode code points, unknown ones included; a record's end is one.
        num_bytes: their UTF-8 bytes, unknown ones included; a record's end is one.
        num_unknown: symbols that are the unknown symbol.
        num_records: its records; 0 for running text.
        first_bytes: UTF-8 bytes of what the first symbol stands for; it is read, but never scored.
    """

    tokens: TokenFile
    num_symbols: int
    num_characters: int
    num_bytes: int
    num_unknown: int
    num_records: int
    first_bytes: int


def encode_to(
    file: BinaryIO, pieces: Iterable[str], tokenizer: Tokenizer, *, advance: Callable[[int], None]
) -> EncodedText:
    """Writes the symbols of a text into an empty file and returns the encoded text.

    Args:
        file: where the symbols go, as the smallest type that holds the vocabulary; open for reading, too.
        pieces: the text; for a tokenizer of records, as `as_pieces` gives it.
        advance: is called with how many more bytes of UTF-8 were read.
    """
    dtype = smallest_type(tokenizer.vocabulary_size)
    # A number that no symbol has, where nothing is unknown.
    unknown = tokenizer.vocabulary_size if tokenizer.unknown is None else tokenizer.unknown
    num_characters, num_bytes, num_lines, first_character = 0, 0, 0, ""

    def counted() -> Iterator[str]:
        nonlocal num_characters, num_bytes, num_lines, first_character
        for piece in pieces:
            first_character = first_character or piece[:1]
            scored = tokenizer.scored_text(piece)
            num_characters += len(scored)
            num_bytes += utf8_length(scored)
            num_lines += piece.count("\n")
            yield piece
            advance(utf8_length(piece))

    num_symbols, num_unknown, first_bytes = 0, 0, 0
    for tokens in tokenizer.encode_stream(counted()):
        if num_symbols == 0 and len(tokens):
            first = int(tokens[0])
            # An unknown symbol does not say how long it was; it is always one character.
            first_bytes = len(first_character.encode()) if first == unknown else int(tokenizer.symbol_bytes[first])
        num_symbols += len(tokens)
        num_unknown += int(np.count_nonzero(tokens == unknown))
        file.write(tokens.astype(dtype, copy=False).tobytes())
    file.flush()
    return EncodedText(
        TokenFile.map(file, dtype),
        num_symbols=num_symbols,
        num_characters=num_characters,
        num_bytes=num_bytes,
        num_unknown=num_unknown,
        num_records=0 if tokenizer.begin is None else num_lines,
        first_bytes=first_bytes,
    )
