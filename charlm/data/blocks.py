"""A long text as blocks that can be read apart from one another, by several processes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import final

from charlm.data.encodings import character_start
from charlm.data.examples.source import ExampleSource
from charlm.data.raw import FileInput
from charlm.data.sources import CombinedSource, DecodedSource, KeptSource, TextSource
from charlm.errors import DataError
from charlm.files.errors import os_errors_as

BLOCK_BYTES = 64 << 20
"""Bytes of files in a block, about; a text of up to two of them is one block."""

_USUAL_RATIO = 4
"""Bytes of text for each byte of a compressed file."""
_BOM = b"\xef\xbb\xbf"

Stamp = tuple[str, int, int]
"""Path, size and time of the last change of a file."""


def cut_into_blocks(source: TextSource, *, records: bool, block_bytes: int = BLOCK_BYTES) -> tuple[TextSource, ...]:
    """Returns a text as blocks that are the same text one after the other; one block where it cannot be cut.

    Plain files in UTF-8 are cut between characters, or after line feeds where `depends_on_lines`. All other files are
    kept whole; that they end with a line feed is supposed, and has to be looked at when they are read.
    """
    if not isinstance(source, CombinedSource):
        return (source,)
    files = [part for part in source.parts if isinstance(part, DecodedSource) and isinstance(part.raw, FileInput)]
    if len(files) < len(source.parts) or sum(map(_size, files)) <= 2 * block_bytes:
        return (source,)
    at_lines = depends_on_lines(source, records=records)
    blocks: list[tuple[DecodedSource, ...]] = []
    block: tuple[DecodedSource, ...] = ()
    size = 0
    for file in files:
        for piece in _pieces(file, at_lines=at_lines, block_bytes=block_bytes):
            block, size = (*block, piece), size + _size(piece)
            if size >= block_bytes and (not at_lines or _may_end_line(piece)):
                blocks.append(block)
                block, size = (), 0
    if block:
        blocks.append(block)
    return tuple(replace(source, parts=parts) for parts in blocks)


def depends_on_lines(source: TextSource, *, records: bool) -> bool:
    """Returns whether what is read depends on what stands before, unless that is a line feed.

    So it is in records, and where line ends or the Unicode form are changed.
    """
    is_cleaned = isinstance(source, CombinedSource) and (source.newlines != "keep" or source.normalize != "none")
    return records or is_cleaned


def join_blocks(blocks: Sequence[TextSource]) -> TextSource:
    """Returns blocks that follow one another as one."""
    parts = [part for block in blocks if isinstance(block, CombinedSource) for part in block.parts]
    assert isinstance(blocks[0], CombinedSource)
    return replace(blocks[0], parts=tuple(parts))


@final
class WatchedText:
    """A block, of which it is known afterwards whether its files ended with a line feed.

    Attributes:
        last: the last piece of the last file before anything was changed in it.
    """

    def __init__(self, source: TextSource) -> None:
        self.last = ""
        self._source = source

    def chunks(self) -> Iterator[str]:
        """Yields the text of the block."""
        if not isinstance(self._source, CombinedSource):
            return self._source.chunks()
        *others, final_part = self._source.parts
        return replace(self._source, parts=(*others, _Noted(final_part, self))).chunks()


@dataclass(frozen=True)
class _Noted:
    source: TextSource
    watcher: WatchedText

    @property
    def label(self) -> str:
        return self.source.label

    def chunks(self) -> Iterator[str]:
        for chunk in self.source.chunks():
            self.watcher.last = chunk
            yield chunk

    def size_bytes(self) -> int | None:
        return self.source.size_bytes()


def file_stamps(source: TextSource) -> tuple[Stamp, ...]:
    """Returns the stamps of the files of a text, by which a change is noticed; none for a text of something else.

    A text that is in memory depends on no file any more.
    """
    if isinstance(source, KeptSource):
        return () if source.is_kept else file_stamps(source.source)
    if isinstance(source, ExampleSource):
        source = source.text
    if not isinstance(source, CombinedSource):
        return ()
    raws = [part.raw for part in source.parts if isinstance(part, DecodedSource)]
    with os_errors_as(DataError, f"A file of '{source.label}' cannot be read"):
        stats = [(raw.name, raw.path.stat()) for raw in raws if isinstance(raw, FileInput)]
    return tuple((name, status.st_size, status.st_mtime_ns) for name, status in stats)


def utf8_blocks(source: TextSource) -> Iterator[bytes]:
    """Yields the text in UTF-8; that of files which are UTF-8 already as it is, undecoded."""
    is_plain = isinstance(source, CombinedSource) and (source.newlines, source.normalize) == ("keep", "none")
    for part in source.parts if is_plain and isinstance(source, CombinedSource) else (source,):
        if isinstance(part, DecodedSource) and part.encoding == "utf-8":
            blocks = part.raw.blocks(*part.span())
            if part.start == 0:
                yield next(blocks, b"").removeprefix(_BOM)
            yield from blocks
        else:
            yield from (chunk.encode() for chunk in part.chunks())


def _size(file: DecodedSource) -> int:
    """Returns about how many bytes of text a file has."""
    size = file.size_bytes()
    assert isinstance(file.raw, FileInput)
    return _USUAL_RATIO * file.raw.stored_bytes() if size is None else size


def _can_be_cut(file: DecodedSource) -> bool:
    return file.encoding == "utf-8" and file.size_bytes() is not None


def _span(file: DecodedSource) -> tuple[int, int]:
    """Returns the first byte and the byte after the last of a file whose size is known."""
    start, stop = file.span()
    size = file.size_bytes()
    assert size is not None
    return start, file.start + size if stop is None else stop


def _pieces(file: DecodedSource, *, at_lines: bool, block_bytes: int) -> Iterator[DecodedSource]:
    """Yields a file in pieces of about a block, as far as it can be cut."""
    if not _can_be_cut(file):
        yield file
        return
    start, end = _span(file)
    while end - start > block_bytes:
        border = start + block_bytes
        border = _line_start(file, border, end) if at_lines else character_start(file.raw, border)
        if border >= end:
            break
        yield replace(file, start=start, stop=border)
        start = border
    yield replace(file, start=start)


def _line_start(file: DecodedSource, offset: int, end: int) -> int:
    """Returns the first offset after a line feed, from a given one on; the end where there is none."""
    for block in file.raw.blocks(offset, end):
        place = block.find(b"\n")
        if place >= 0:
            return offset + place + 1
        offset += len(block)
    return end


def _may_end_line(file: DecodedSource) -> bool:
    """Whether a file, or a piece of it, ends with a line feed, as far as that is known without decoding it."""
    if not _can_be_cut(file):
        return True
    start, end = _span(file)
    return b"".join(file.raw.blocks(max(start, end - 1), end)) == b"\n"
