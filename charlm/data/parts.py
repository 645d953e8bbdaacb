"""The parts of a corpus as files of symbols: encoded block by block, maybe by several processes, and joined in order.

A journal beside the files says which blocks are in them. Work that was stopped is gone on with from there: what the
journal says is checked against the files, and what is beyond it, or is not what was written, is encoded again.
"""

import hashlib
import itertools
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, final

from charlm.data.description import PartDescription
from charlm.data.encoder import encode_to
from charlm.data.layout import Block, Layout, PartName
from charlm.data.processes import in_processes
from charlm.data.tokenizers.base import Tokenizer, smallest_type
from charlm.data.tokenizers.build import fingerprint
from charlm.files.reading import file_sha256
from charlm.files.writing import append

_JOURNAL = "blocks.jsonl"
_READ_BYTES = 1 << 20

Pieces = dict[PartName, PartDescription]
"""What a block adds to each part."""


@dataclass(frozen=True)
class BlockTask:
    """A block to encode.

    Attributes:
        number: of the block, from 0 on; its pieces are named by it.
        folder: where they go.
    """

    number: int
    block: Block
    records: bool
    tokenizer: Tokenizer
    folder: Path


def encode_blocks(
    layout: Layout, tokenizer: Tokenizer, folder: Path, *, workers: int, advance: Callable[[int], None]
) -> Pieces:
    """Encodes a corpus into `train.bin`, `valid.bin` and `test.bin` of a folder, and returns what is in them.

    Args:
        folder: may hold what an earlier call left of the same corpus; it is removed where a part is too short.
        workers: processes that encode; the files are the same.
        advance: is called with how many more bytes of UTF-8 were read.

    Raises:
        DataError: a text has changed since it was surveyed, a part is too short, or a process has died.
        OSError: the files cannot be written.
    """
    joined = _Joined(folder, tokenizer)
    try:
        num_done = joined.take_up(layout.blocks)
        advance(sum(part.num_bytes for part in joined.parts.values()))
        numbered = list(enumerate(layout.blocks))[num_done:]
        tasks = [BlockTask(number, block, layout.records, tokenizer, folder) for number, block in numbered]
        for task, pieces in zip(tasks, _encoded(tasks, workers=workers, advance=advance), strict=True):
            joined.add(task, pieces)
        for part in layout.part_names:
            num_symbols = joined.parts[part].num_symbols
            if num_symbols < 2:
                # The same text would be refused again, so that nobody goes on with this.
                shutil.rmtree(folder, ignore_errors=True)
                raise layout.too_short(part, num_symbols=num_symbols)
        joined.finish()
    finally:
        joined.close()
    return joined.parts


def _encoded(tasks: list[BlockTask], *, workers: int, advance: Callable[[int], None]) -> Iterator[Pieces]:
    for is_cut, group in itertools.groupby(tasks, key=lambda task: task.block.is_cut):
        if is_cut and workers > 1:
            for pieces in in_processes(encode_block, group, workers=workers):
                yield pieces
                advance(sum(piece.num_bytes for piece in pieces.values()))
        else:
            # Texts that are not long, which are in memory already, or no files.
            for task in group:
                yield encode_block(task, advance=advance)


def encode_block(task: BlockTask, *, advance: Callable[[int], None] = lambda _: None) -> Pieces:
    """Writes the symbols of a block into a file for each part, and returns what is in them.

    Raises:
        DataError: the text has changed since it was surveyed.
        OSError: a file cannot be written.
    """
    pieces: Pieces = {}
    for part, text in task.block.parts(records=task.records):
        path = _piece(task, part)
        with _new(path) as file:
            encoded = encode_to(file, text, task.tokenizer, advance=advance)
        counts = {name: count for name, count in vars(encoded).items() if name != "tokens"}
        pieces[part] = PartDescription(**counts, sha256=file_sha256(path))
    return pieces


def _new(path: Path) -> BinaryIO:
    """Opens a new file, instead of one that work which was stopped has left."""
    if path.exists():
        path.unlink()
    return path.open("x+b")


def _piece(task: BlockTask, part: PartName) -> Path:
    return task.folder / f"block-{task.number}-{part}.bin"


@final
class _Joined:
    """The files of the parts, as far as they are written.

    Attributes:
        parts: what is in them.
    """

    def __init__(self, folder: Path, tokenizer: Tokenizer) -> None:
        self.parts: Pieces = {}
        self._folder = folder
        self._journal = folder / _JOURNAL
        self._title = {"tokenizer": fingerprint(tokenizer)}
        self._symbol_bytes = smallest_type(tokenizer.vocabulary_size).itemsize
        self._files: dict[PartName, BinaryIO] = {}
        self._digests: dict[PartName, hashlib._Hash] = {}

    def take_up(self, blocks: tuple[Block, ...]) -> int:
        """Returns how many blocks are in the files already, and drops what is beyond them."""
        kept = [json.dumps(self._title)]
        for line, block in zip(self._journal_lines(), blocks, strict=False):
            try:
                pieces = {part: PartDescription.model_validate_json(each) for part, each in json.loads(line).items()}
            except (ValueError, AttributeError, TypeError):
                break
            contents = {part: self._read(part, piece) for part, piece in pieces.items()}
            if pieces.keys() != block.sizes.keys() or None in contents.values():
                break
            for part, content in contents.items():
                self._digests[part].update(content or b"")
            self._count(pieces)
            kept.append(line)
        for part, file in self._files.items():
            file.seek(self.parts[part].num_symbols * self._symbol_bytes if part in self.parts else 0)
            file.truncate()
        if self._journal.exists():
            self._journal.unlink()
        append(self._journal, "".join(f"{line}\n" for line in kept).encode())
        return len(kept) - 1

    def add(self, task: BlockTask, pieces: Pieces) -> None:
        """Puts the pieces of the next block at the ends of the files."""
        for part in pieces:
            if part not in self._files:
                self._hold(part, _new(self._path(part)))
            piece = _piece(task, part)
            with piece.open("rb") as source:
                while content := source.read(_READ_BYTES):
                    self._digests[part].update(content)
                    self._files[part].write(content)
            piece.unlink()
        self._count(pieces)
        line = json.dumps({part: piece.model_dump_json() for part, piece in pieces.items()})
        append(self._journal, f"{line}\n".encode())

    def finish(self) -> None:
        """Waits until the files are on the disk, and removes the journal."""
        for file in self._files.values():
            file.flush()
            os.fsync(file.fileno())
        self._journal.unlink()
        for piece in self._folder.glob("block-*.bin"):
            piece.unlink()

    def close(self) -> None:
        """Closes the files."""
        for file in self._files.values():
            with suppress(OSError):
                file.close()

    def _count(self, pieces: Pieces) -> None:
        for part, piece in pieces.items():
            digest = self._digests[part].hexdigest()
            before = self.parts.get(part)
            if before is None:
                self.parts[part] = piece.model_copy(update={"sha256": digest})
                continue
            names = [name for name in PartDescription.model_fields if name.startswith("num_")]
            sums = {name: getattr(before, name) + getattr(piece, name) for name in names}
            self.parts[part] = before.model_copy(update={**sums, "sha256": digest})

    def _journal_lines(self) -> list[str]:
        try:
            title, *lines = self._journal.read_text().splitlines()
        except (OSError, ValueError):
            return []
        return lines if title == json.dumps(self._title) else []

    def _read(self, part: PartName, piece: PartDescription) -> bytes | None:
        """Returns the piece that comes next in the file of its part; None where it is not what was written."""
        if part not in self._files:
            if not self._path(part).exists():
                return None
            self._hold(part, self._path(part).open("r+b"))
        content = self._files[part].read(piece.num_symbols * self._symbol_bytes)
        return content if hashlib.sha256(content).hexdigest() == piece.sha256 else None

    def _path(self, part: PartName) -> Path:
        return self._folder / f"{part}.bin"

    def _hold(self, part: PartName, file: BinaryIO) -> None:
        self._files[part] = file
        self._digests[part] = hashlib.sha256()
