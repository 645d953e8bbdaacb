"""Text sources: files, strings, several texts joined into one, and texts kept in memory."""

import itertools
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol, final

from charlm.data.cleaning import normalize_pieces, recut, unify_newlines
from charlm.data.code_points import to_utf8
from charlm.data.encodings import character_start, decode
from charlm.data.raw import RawInput

CHUNK_CHARACTERS = 1 << 20


class TextSource(Protocol):
    """A text that can be read any number of times, each time the same, never whole in memory."""

    @property
    def label(self) -> str:
        """A short name for people, such as 'tinyshakespeare'."""

    def chunks(self) -> Iterator[str]:
        """Yields the text in non-empty pieces of at most about a million characters."""

    def size_bytes(self) -> int | None:
        """Returns the size of the text as it is stored, for showing progress; None when it is not known."""


@dataclass(frozen=True)
class StringSource:
    """A text that is already in memory."""

    text: str
    label: str = "text"

    def __post_init__(self) -> None:
        """Refuses half of a surrogate pair, which no file could hold."""
        to_utf8(self.text)

    def chunks(self) -> Iterator[str]:
        """Yields the text in pieces of at most `CHUNK_CHARACTERS`."""
        return recut((self.text,), CHUNK_CHARACTERS)

    def size_bytes(self) -> int:
        """Returns the size of the text in UTF-8."""
        return len(self.text.encode("utf-8"))


@dataclass(frozen=True)
class DecodedSource:
    """The text of a file, or of a range of its bytes.

    Attributes:
        encoding: as `resolve_encoding` names it.
        start: first byte; in UTF-8 moved forward to where a character starts.
        stop: byte after the last, moved likewise; None reads to the end.
    """

    raw: RawInput
    label: str
    encoding: str = "utf-8"
    start: int = 0
    stop: int | None = None

    def chunks(self) -> Iterator[str]:
        """Yields the text as it is decoded."""
        start, stop = self.span()
        return decode(self.raw, encoding=self.encoding, start=start, stop=stop)

    def span(self) -> tuple[int, int | None]:
        """Returns the first byte and the byte after the last, moved to where characters start."""
        if self.encoding != "utf-8":
            return self.start, self.stop
        start = character_start(self.raw, self.start) if self.start else 0
        return start, None if self.stop is None else character_start(self.raw, self.stop)

    def size_bytes(self) -> int | None:
        """Returns the number of bytes in the range; None when the end is not known."""
        ends = [end for end in (self.raw.size_bytes(), self.stop) if end is not None]
        return max(0, min(ends) - self.start) if ends else None


@dataclass(frozen=True)
class CombinedSource:
    """Texts one after the other, nothing between them, with line ends and Unicode form settled over all of it."""

    parts: tuple[TextSource, ...]
    label: str
    newlines: Literal["keep", "lf"] = "keep"
    normalize: Literal["none", "nfc", "nfkc"] = "none"

    def chunks(self) -> Iterator[str]:
        """Yields the text in pieces of `CHUNK_CHARACTERS`, however the parts are cut."""
        pieces: Iterator[str] = itertools.chain.from_iterable(part.chunks() for part in self.parts)
        if self.newlines == "lf":
            pieces = unify_newlines(pieces)
        if self.normalize != "none":
            pieces = normalize_pieces(pieces, "NFC" if self.normalize == "nfc" else "NFKC")
        return recut(pieces, CHUNK_CHARACTERS)

    def size_bytes(self) -> int | None:
        """Returns the sum over the parts; None when one of them is not known."""
        sizes = [part.size_bytes() for part in self.parts]
        return None if None in sizes else sum(size for size in sizes if size is not None)


@final
class KeptSource:
    """A text that is held in memory once it has been read to its end, unless it is long; then it is read anew.

    What decompressing, decoding and cleaning cost is then paid once, not for every reading.

    Attributes:
        source: the text.
    """

    def __init__(self, source: TextSource, *, most_bytes: int = 128 << 20) -> None:
        self.source = source
        self._most_bytes = most_bytes
        self._kept: tuple[str, ...] | None = None

    @property
    def label(self) -> str:
        """The label of the text."""
        return self.source.label

    @property
    def is_kept(self) -> bool:
        """Whether it is in memory."""
        return self._kept is not None

    def size_bytes(self) -> int | None:
        """Returns the size of the text as it is stored; None when it is not known."""
        return self.source.size_bytes()

    def chunks(self) -> Iterator[str]:
        """Yields the text in the pieces in which it was first read."""
        if self._kept is not None:
            yield from self._kept
            return
        kept: list[str] = []
        num_bytes = 0
        for chunk in self.source.chunks():
            num_bytes += sys.getsizeof(chunk)
            if num_bytes <= self._most_bytes:
                kept.append(chunk)
            else:
                kept.clear()
            yield chunk
        if num_bytes <= self._most_bytes:
            self._kept = tuple(kept)


def text_slug(label: str) -> str:
    """Returns the label with only letters, digits, '.', '_' and '-', fit to name a run."""
    slug = re.sub(r"[^A-Za-z0-9._]+", "-", label).strip("-.")[:60].rstrip("-.")
    return slug or "text"
