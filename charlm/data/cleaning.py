"""Text that arrives in pieces: line ends, Unicode normalisation and piece sizes, as if it were whole."""

import functools
import io
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Literal


def unify_newlines(pieces: Iterable[str]) -> Iterator[str]:
    """Yields the text with CRLF and lone CR turned into LF."""
    decoder = io.IncrementalNewlineDecoder(None, translate=True)
    for piece in pieces:
        if text := decoder.decode(piece):
            yield text
    if text := decoder.decode("", final=True):
        yield text


def normalize_pieces(pieces: Iterable[str], form: Literal["NFC", "NFKC"]) -> Iterator[str]:
    """Yields the Unicode normal form of the text.

    A piece is held back from its last character that cannot interact with what stands before it: one whose
    decomposition begins with a starter that is never the second half of a composition (Unicode Standard
    Annex 15, definition of a normalisation boundary).
    """
    second_halves = _second_halves()
    decomposed: Literal["NFD", "NFKD"] = "NFD" if form == "NFC" else "NFKD"

    def is_boundary(character: str) -> bool:
        first = unicodedata.normalize(decomposed, character)[0]
        return unicodedata.combining(first) == 0 and first not in second_halves

    held = ""
    for piece in pieces:
        text = held + piece
        # What was held has no boundary after its first character; look at the new part only.
        first = max(len(held), 1)
        cut = next((index for index in range(len(text) - 1, first - 1, -1) if is_boundary(text[index])), 0)
        if cut:
            yield unicodedata.normalize(form, text[:cut])
        held = text[cut:]
    if held:
        yield unicodedata.normalize(form, held)


def recut(pieces: Iterable[str], size: int) -> Iterator[str]:
    """Yields the text in pieces of exactly `size` characters, the last one shorter."""
    waiting: list[str] = []
    length = 0
    for piece in pieces:
        waiting.append(piece)
        length += len(piece)
        if length < size:
            continue
        text = "".join(waiting)
        end = length - length % size
        for start in range(0, end, size):
            yield text[start : start + size]
        waiting, length = [text[end:]], length - end
    if length:
        yield "".join(waiting)


@functools.cache
def _second_halves() -> frozenset[str]:
    """Returns every character that can join the one before it into a composed character."""
    halves = {chr(code) for code in (*range(0x1161, 0x1176), *range(0x11A8, 0x11C3))}  # Hangul vowels and finals
    for code in range(sys.maxunicode + 1):
        parts = unicodedata.decomposition(chr(code)).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            halves.add(chr(int(parts[1], 16)))
    return frozenset(halves)
