"""The format of a compressed file, a header and blocks, checked while it is read.

Numbers are little-endian. docs/formats.md has the table.
"""

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import BinaryIO, NamedTuple

from charlm.compression.packing import BLOCK_BYTES, MOST_UNPACKED_BYTES
from charlm.files.errors import UntrustedFileError

MAGIC = b"\x89charlm\n"
FORMAT = 1
ENGINE, ADAPTING_ENGINE = 1, 4
"""The arithmetic from symbols to code, without and with a model that adapts: raised whenever it gives other bits."""

_BEGINNING = struct.Struct("<8sBBHI")
_NUMBERS = struct.Struct("<16s16s32sQIB?")
_BLOCK = struct.Struct("<IIBBIIII")
_LENGTH = struct.Struct("<I")
_LONGEST_HEADER = 1 << 12
_MOST_STREAMS = 255


class Versions(NamedTuple):
    """The versions of what computes the code."""

    charlm: str
    numpy: str
    constriction: str


@dataclass(frozen=True)
class Header:
    """What a compressed file says of itself.

    Attributes:
        run: the name of the run whose model it was made with.
        identity: that run's, 16 bytes; zeros where it has none.
        model: the beginning of the SHA-256 of the model, 16 bytes.
        sha256: of the original file.
        num_bytes: of the original file.
        probe: what the model computes on the machine, see `probe_of`.
        num_streams: lanes that were coded side by side.
        adapts: whether the model learnt from what it had coded.
        encoding: the usual one of its blocks.
        versions: of what it was made with.
    """

    run: str
    identity: bytes
    model: bytes
    sha256: bytes
    num_bytes: int
    probe: int
    num_streams: int
    adapts: bool
    encoding: str
    versions: Versions


class Block(NamedTuple):
    """A part of the original file, compressed.

    Attributes:
        num_bytes: of the part.
        checksum: CRC-32 of the part.
        is_coded: whether the model coded it; else `code` is the part, packed.
        is_encoded: whether it is text in the usual encoding of the file, not in UTF-8 with invalid bytes.
        line_end, edits: as in `Spelling`.
        unknown: the characters of unknown symbols, as an `UnknownCoder` packs them.
        lengths: symbols of each lane.
        code: of the symbols.
    """

    num_bytes: int
    checksum: int
    is_coded: bool
    is_encoded: bool
    line_end: int
    unknown: bytes
    edits: bytes
    lengths: Sequence[int]
    code: bytes


def write_header(header: Header) -> bytes:
    """Returns the bytes that a compressed file begins with."""
    numbers = _NUMBERS.pack(
        header.identity,
        header.model,
        header.sha256,
        header.num_bytes,
        header.probe,
        header.num_streams,
        header.adapts,
    )
    texts = b"".join(_text(text) for text in (header.run, header.encoding, *header.versions))
    content = numbers + texts
    return _BEGINNING.pack(MAGIC, FORMAT, _engine(header), len(content), zlib.crc32(content)) + content


def read_header(file: BinaryIO) -> Header:
    """Returns what the beginning of a compressed file says; a damaged or foreign one is an UntrustedFileError."""
    beginning = file.read(_BEGINNING.size)
    if beginning[: len(MAGIC)] != MAGIC[: len(beginning)] or not beginning:
        raise UntrustedFileError("is no file that charlm compress wrote")
    if len(beginning) < _BEGINNING.size:
        raise UntrustedFileError(_SHORT)
    _, version, engine, length, checksum = _BEGINNING.unpack(beginning)
    if version != FORMAT:
        raise UntrustedFileError(f"has format version {version}, and this charlm reads version {FORMAT}")
    content = file.read(min(length, _LONGEST_HEADER))
    if len(content) < length:
        raise UntrustedFileError(_SHORT)
    if zlib.crc32(content) != checksum:
        raise UntrustedFileError("has a header that does not match its checksum")
    try:
        *numbers, num_streams, adapts = _NUMBERS.unpack_from(content)
        texts = list(_texts(content[_NUMBERS.size :]))
        run, encoding, *versions = texts
        identity, model, sha256, num_bytes, probe = numbers
        header = Header(
            run, identity, model, sha256, num_bytes, probe, num_streams, adapts, encoding, Versions(*versions)
        )
    except (struct.error, ValueError, TypeError):
        raise UntrustedFileError("has a header that charlm compress does not write") from None
    if engine != _engine(header):
        raise UntrustedFileError(
            f"it was made by charlm {header.versions.charlm}, whose models compute differently from this version's"
        )
    if num_streams == 0:
        raise UntrustedFileError("has no streams")
    return header


def write_block(block: Block) -> bytes:
    """Returns the bytes of a block."""
    flags = block.is_coded | block.is_encoded << 1
    parts = block.unknown, block.edits, block.code
    content = b"".join([*map(_LENGTH.pack, block.lengths), *parts])
    head = (block.num_bytes, block.checksum, flags, block.line_end, *map(len, parts))
    return _BLOCK.pack(*head, zlib.crc32(_BLOCK.pack(*head, 0) + content)) + content


def read_blocks(file: BinaryIO, header: Header) -> Iterator[Block]:
    """Yields the blocks of a file, whose header has been read, up to its end; no more of one is read than it can have.

    Raises:
        UntrustedFileError: a block is damaged or cut short, or something follows the last one.
    """
    left = header.num_bytes
    while left:
        head = file.read(_BLOCK.size)
        if len(head) < _BLOCK.size:
            raise UntrustedFileError(_SHORT)
        num_bytes, checksum, flags, line_end, *sizes, own = _BLOCK.unpack(head)
        if not 0 < num_bytes <= min(left, BLOCK_BYTES) or flags > 3 or sum(sizes) > MOST_UNPACKED_BYTES:
            raise UntrustedFileError(_FORGED)
        lanes = header.num_streams if flags & 1 else 0
        content = file.read(lanes * _LENGTH.size + sum(sizes))
        if len(content) < lanes * _LENGTH.size + sum(sizes):
            raise UntrustedFileError(_SHORT)
        if zlib.crc32(head[: -_LENGTH.size] + bytes(_LENGTH.size) + content) != own:
            raise UntrustedFileError("has a block that does not match its checksum")
        lengths = [each for (each,) in _LENGTH.iter_unpack(content[: lanes * _LENGTH.size])]
        if sum(lengths) > MOST_UNPACKED_BYTES:
            raise UntrustedFileError(_FORGED)
        stops = list(accumulate(sizes, initial=lanes * _LENGTH.size))
        unknown, edits, code = (content[start:stop] for start, stop in pairwise(stops))
        left -= num_bytes
        yield Block(num_bytes, checksum, bool(flags & 1), bool(flags & 2), line_end, unknown, edits, lengths, code)
    if file.read(1):
        raise UntrustedFileError("goes on after its end")


_SHORT = "is cut short"
_FORGED = "has a block that charlm compress does not write"


def _engine(header: Header) -> int:
    return ADAPTING_ENGINE if header.adapts else ENGINE


def _text(text: str) -> bytes:
    content = text.encode(errors="replace")[:255]
    return bytes([len(content)]) + content


def _texts(content: bytes) -> Iterator[str]:
    while content:
        end = 1 + content[0]
        yield content[1:end].decode(errors="replace")
        content = content[end:]
