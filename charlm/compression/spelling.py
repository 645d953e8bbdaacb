"""A text as symbols, and what the symbols alone do not say, so that every text comes back exactly.

The symbols are those that are scored: of the text as the run reads it, with its line ends and its Unicode form, each
record a line. What the reading changed is kept as edits, and the characters without a symbol as a text of their own,
so that both cost nothing where there are none.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import final

import numpy as np

from charlm.compression.edits import (
    Edit,
    edited,
    edits_between,
    pack_edits,
    to_text,
    unpack_edits,
)
from charlm.compression.packing import MOST_UNPACKED_BYTES
from charlm.config import DataConfig
from charlm.data.cleaning import unify_newlines
from charlm.data.tokenizers.base import Tokenizer, Tokens
from charlm.files.errors import UntrustedFileError
from charlm.stepping.unknown import unknown_text

LINE_ENDS = ("\n", "\r\n", "\r")
"""What a line feed that is read may have been; a spelling has the number of one."""

_BYTE_ORDER_MARK = "\ufeff"
_INVALID_BYTES = re.compile("[\udc80-\udcff]")
_LINES = re.compile(r"[^\n]*\n|[^\n]+")
_WORDS = re.compile(r"[^ \n]*[ \n]|[^ \n]+")
"""No Unicode form joins a character to a space or a line feed before it."""


@dataclass(frozen=True)
class Spelling:
    """A text as symbols, without the begins of records, and what they do not say.

    Attributes:
        line_end: the number of a line feed's usual form.
        unknown: the characters that unknown symbols stand for, one after the other.
        edits: what else has to be changed in the text of the symbols, packed.
    """

    tokens: Tokens
    line_end: int
    unknown: str
    edits: bytes


@final
class Speller:
    """Spells texts as a run reads them."""

    def __init__(self, tokenizer: Tokenizer, data: DataConfig) -> None:
        self._tokenizer = tokenizer
        self._data = data
        self._has_records = tokenizer.begin is not None

    def spell(self, text: str, *, is_first: bool) -> Spelling | None:
        """Returns a text as symbols; None for a text that would not come back as it was.

        Args:
            text: it may have invalid bytes as halves of surrogate pairs.
            is_first: whether it is the beginning of a file, and may have a byte order mark, which is not read.
        """
        mark = _BYTE_ORDER_MARK if is_first and text.startswith(_BYTE_ORDER_MARK) else ""
        text = text.removeprefix(mark)
        line_end = self._usual_line_end(text)
        read = self._read(text)
        pieces = [("", mark)]
        if _with_line_ends(read, line_end) != text:
            parts = (_LINES if self._has_records else _WORDS).findall(text)
            read_parts = list(map(self._read, parts))
            read = "".join(read_parts)
            pieces += [
                (_with_line_ends(part, line_end), before) for part, before in zip(read_parts, parts, strict=True)
            ]
        tokens = self._tokenizer.encode(read)
        if self._has_records:
            tokens = tokens[tokens != self._tokenizer.begin]
        edits = pack_edits(list(edits_between(pieces)))
        spelling = Spelling(tokens, line_end, unknown_text(read, self._tokenizer), edits)
        try:
            return spelling if self.text_of(spelling) == mark + text else None
        except UntrustedFileError:  # It has more symbols than are read again.
            return None

    def text_of(self, spelling: Spelling) -> str:
        """Returns the text that was spelled; what is no spelling is a UntrustedFileError."""
        if spelling.line_end >= len(LINE_ENDS):
            raise UntrustedFileError("has line ends that are not known")
        text = self._text_of(spelling.tokens, spelling.unknown)
        edits: list[Edit] = unpack_edits(spelling.edits)
        return edited(_with_line_ends(text, spelling.line_end), edits)

    def _read(self, text: str) -> str:
        """Returns a text as the run reads it, which is the text of its parts as the run reads them."""
        if self._data.newlines == "lf":
            text = "".join(unify_newlines((text,)))
        if self._data.normalize != "none":
            text = unicodedata.normalize("NFC" if self._data.normalize == "nfc" else "NFKC", text)
        if self._tokenizer.unknown is None:
            text = _INVALID_BYTES.sub("", text)
        if self._has_records:
            lines = (line.rstrip("\r") for line in text.split("\n"))
            text = "".join(f"{line}\n" for line in lines if line)
        return text

    def _usual_line_end(self, text: str) -> int:
        """Returns which line ends are the most in a text of which the run reads all as line feeds."""
        if self._data.newlines == "keep" and not self._has_records:
            return 0
        pairs = text.count("\r\n")
        counts = [text.count("\n") - pairs, pairs, text.count("\r") - pairs if self._data.newlines == "lf" else 0]
        return counts.index(max(counts))

    def _text_of(self, tokens: Tokens, unknown: str) -> str:
        pieces = [self._tokenizer.pieces[token] for token in tokens.tolist()]
        places = [] if self._tokenizer.unknown is None else np.flatnonzero(tokens == self._tokenizer.unknown).tolist()
        if len(places) != len(unknown):
            raise UntrustedFileError("has unknown characters of another text")
        for place, character in zip(places, unknown, strict=True):
            pieces[place] = character.encode(errors="surrogatepass")
        if sum(map(len, pieces)) > MOST_UNPACKED_BYTES:
            raise UntrustedFileError("has a part with too long a text")
        return to_text(b"".join(pieces))


def _with_line_ends(text: str, line_end: int) -> str:
    return text.replace("\n", LINE_ENDS[line_end])
