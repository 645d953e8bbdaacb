"""The first reading of a corpus: its digest and size, and what is in each of its blocks."""

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

from charlm.data.blocks import (
    BLOCK_BYTES,
    Stamp,
    WatchedText,
    cut_into_blocks,
    depends_on_lines,
    file_stamps,
    join_blocks,
    utf8_blocks,
)
from charlm.data.code_points import distinct_characters, utf8_length
from charlm.data.inputs import CorpusText
from charlm.data.layout import Block, Layout, PartName, ProgressFactory, as_pieces, count_units, part_sizes
from charlm.data.processes import in_processes
from charlm.data.sources import KeptSource, TextSource


def survey(
    text: CorpusText,
    *,
    records: bool,
    progress: ProgressFactory,
    workers: int = 1,
    block_bytes: int = BLOCK_BYTES,
) -> Layout:
    """Reads all texts of a corpus once and returns its layout; one that cannot be read is a DataError.

    Args:
        workers: processes that read a long text.
        block_bytes: a text of over two of them is read and encoded in blocks of about as much.
    """
    sources: dict[PartName, TextSource | None] = {"train": text.train, "valid": text.valid, "test": text.test}
    digests: dict[PartName, str] = {}
    texts: list[tuple[TextSource, dict[PartName, int]]] = []
    blocks: list[Block] = []
    num_bytes = 0
    for part, source in sources.items():
        if source is None:
            continue
        with progress(f"reading {source.label}", source.size_bytes()) as advance:
            cut = cut_into_blocks(source, records=records, block_bytes=block_bytes)
            digests[part], found = _read(source, cut, records=records, workers=workers, advance=advance)
        size = sum(each.num_units for each in found)
        sizes: dict[PartName, int] = {part: size} if text.split is None else part_sizes(size, text.split)
        shares = shared_out([each.num_units for each in found], sizes)
        blocks += [
            Block(each.source, share, each.characters, each.stamps) for each, share in zip(found, shares, strict=True)
        ]
        texts.append((source, sizes))
        num_bytes += sum(each.num_bytes for each in found)
    digest = digests["train"] if len(digests) == 1 else hashlib.sha256(json.dumps(digests).encode()).hexdigest()
    return Layout(
        digest,
        records,
        text.split,
        num_bytes,
        tuple(texts),
        split_in_words=text.split_in_words,
        have_sides=text.have_sides,
        blocks=tuple(blocks),
    )


def shared_out(units: list[int], sizes: dict[PartName, int]) -> list[dict[PartName, int]]:
    """Returns how many units of each block go to which part; the parts follow one another."""
    left = dict(sizes)
    shares: list[dict[PartName, int]] = []
    for number in units:
        share: dict[PartName, int] = {}
        for part, size in left.items():
            if taken := min(size, number):
                share[part] = taken
                number -= taken
        for part, taken in share.items():
            left[part] -= taken
        shares.append(share)
    return shares


@dataclass(frozen=True)
class _ReadBlock:
    """A block and what is in it.

    Attributes:
        num_units: its records or characters.
        num_bytes: its size in UTF-8.
        characters: the distinct ones; None where the block is a whole text.
        stamps: of its files, from before it was read.
        ends_line: whether its last file ended with a line feed.
    """

    source: TextSource
    num_units: int
    num_bytes: int
    characters: str | None
    stamps: tuple[Stamp, ...]
    ends_line: bool


def _read(
    source: TextSource, blocks: tuple[TextSource, ...], *, records: bool, workers: int, advance: Callable[[int], None]
) -> tuple[str, list[_ReadBlock]]:
    """Returns the SHA-256 of a text in UTF-8, and what is in its blocks."""
    digest = hashlib.sha256()
    if len(blocks) == 1:
        # Read up to three times: for the layout, the vocabulary and the symbols.
        kept = KeptSource(source)
        whole = _read_block(kept, records=records, is_whole=True, note=digest.update, advance=advance)
        found = [replace(whole, stamps=()) if kept.is_kept else whole]
    elif workers == 1:
        found = [_read_block(each, records=records, note=digest.update, advance=advance) for each in blocks]
    else:
        found = []
        is_over = threading.Event()
        with ThreadPoolExecutor(1) as beside:
            hashing = beside.submit(_update, digest.update, source, is_over)
            try:
                for each in in_processes(partial(_read_block, records=records), blocks, workers=workers):
                    found.append(each)
                    advance(each.num_bytes)
                hashing.result()
            finally:
                is_over.set()
    if depends_on_lines(source, records=records) and not all(each.ends_line for each in found[:-1]):
        found = [each for group in _whole_lines(found) for each in _joined(group, records=records)]
        digest = hashlib.sha256()
        _update(digest.update, source, threading.Event())
    return digest.hexdigest(), found


def _whole_lines(blocks: list[_ReadBlock]) -> Iterator[list[_ReadBlock]]:
    """Yields blocks together that have no border between them, as a line goes on from one to the next."""
    group: list[_ReadBlock] = []
    for block in blocks:
        group.append(block)
        if block.ends_line:
            yield group
            group = []
    if group:
        yield group


def _joined(blocks: list[_ReadBlock], *, records: bool) -> list[_ReadBlock]:
    if len(blocks) == 1:
        return blocks
    return [_read_block(join_blocks([block.source for block in blocks]), records=records)]


def _update(note: Callable[[bytes], None], source: TextSource, is_over: threading.Event) -> None:
    for content in utf8_blocks(source):
        if is_over.is_set():
            return
        note(content)


def _read_block(
    source: TextSource,
    *,
    records: bool,
    is_whole: bool = False,
    note: Callable[[bytes], None] | None = None,
    advance: Callable[[int], None] = lambda _: None,
) -> _ReadBlock:
    """Returns what is in a block; `note` gets its bytes in UTF-8."""
    num_units, num_bytes = 0, 0
    stamps = file_stamps(source)
    watched = WatchedText(source)

    def chunks() -> Iterator[str]:
        nonlocal num_bytes
        for chunk in watched.chunks():
            if note is not None:
                note(chunk.encode())
            size = utf8_length(chunk)
            num_bytes += size
            yield chunk
            advance(size)

    def pieces() -> Iterator[str]:
        nonlocal num_units
        for piece in as_pieces(chunks(), records=records):
            num_units += count_units(piece, records=records)
            yield piece

    characters: str | None = None
    if is_whole:
        for _ in pieces():
            pass
    else:
        characters = distinct_characters(pieces())
    return _ReadBlock(source, num_units, num_bytes, characters, stamps, watched.last.endswith("\n"))
