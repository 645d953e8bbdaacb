"""A file in as many bits as a step model's code length says, and back: block by block, each checked.

Memory is bounded by the size of a block, whatever the size of the file. A block that the model does not make smaller
is packed without it. The model goes on from block to block.
"""

import codecs
import hashlib
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import AnyStr, BinaryIO, NamedTuple

import numpy as np

from charlm.compression.coder import decode, encode
from charlm.compression.container import Block, Header, read_blocks
from charlm.compression.lanes import LaneReader, cut_lanes
from charlm.compression.packing import BLOCK_BYTES, MOST_UNPACKED_BYTES, pack, unpack
from charlm.compression.spelling import Speller, Spelling
from charlm.compression.unknown import LearntCharacters, PackedCharacters, UnknownCoder
from charlm.config import DataConfig
from charlm.data.encodings import resolve_encoding
from charlm.data.tokenizers.base import Tokenizer
from charlm.errors import ConfigError
from charlm.files.errors import UntrustedFileError
from charlm.stepping.base import StepModel
from charlm.stepping.unknown import UnknownCharacters

Advance = Callable[[int], None]

UTF_8 = "utf-8"
_PROBED = 32
_BYTES_BETWEEN = 1 << 11


@dataclass(frozen=True)
class Coding:
    """What codes and decodes: a model, its symbols, and how its run reads texts.

    Attributes:
        adapts: whether the model learns from what it reads.
    """

    model: StepModel
    tokenizer: Tokenizer
    data: DataConfig
    adapts: bool = False

    def unknown_coder(self) -> UnknownCoder:
        """Returns what codes the characters of unknown symbols from the beginning of a file."""
        learns = self.adapts and self.tokenizer.unknown is not None
        return LearntCharacters(UnknownCharacters(self.tokenizer)) if learns else PackedCharacters()

    def reader(self, *, num_lanes: int) -> LaneReader:
        """Returns what reads lanes from their beginning."""
        return LaneReader(self.model, self.tokenizer, num_lanes=num_lanes, restarts=not self.adapts)


def probe_of(coding: Coding, *, num_streams: int) -> int:
    """Returns the CRC-32 of what the model computes from a few symbols: where it differs, so does the code."""
    model, checksum = coding.model, 0
    stepper = model.stepper(model.initial_state(num_streams))
    for number in range(_PROBED):
        tokens = (number * 7 + 11 * np.arange(num_streams)) % model.vocabulary_size
        checksum = zlib.crc32(stepper.step(tokens).tobytes(), checksum)
    return checksum


def compressed(file: BinaryIO, coding: Coding, *, encoding: str, num_streams: int, advance: Advance) -> Iterator[Block]:
    """Yields the blocks of a compressed file.

    Args:
        file: the original, from its beginning.
        encoding: its usual one; a part of it that is in another is kept as it is.
        advance: is given the number of bytes compressed since its last call.

    Raises:
        CharlmError: the model's output is not finite.
    """
    reader, unknown_coder = coding.reader(num_lanes=num_streams), coding.unknown_coder()
    speller = Speller(coding.tokenizer, coding.data)
    for number, part in enumerate(_parts(file, encoding)):
        spelling = speller.spell(part.text, is_first=number == 0)
        packed = pack(part.content)
        block = Block(len(part.content), zlib.crc32(part.content), False, False, 0, b"", b"", (), packed)
        if spelling is not None and len(spelling.tokens) <= MOST_UNPACKED_BYTES:
            after, unknown_after = reader.copy(), unknown_coder.copy()
            lanes = cut_lanes(spelling.tokens, num_lanes=num_streams, end=coding.tokenizer.end)
            code = encode(after, lanes, advance=_shares(advance, len(part.content), of=len(spelling.tokens)))
            unknown = unknown_after.pack(spelling.tokens, spelling.unknown)
            if len(code) + len(unknown) + len(spelling.edits) < len(packed):
                reader, unknown_coder = after, unknown_after
                block = block._replace(
                    is_coded=True,
                    is_encoded=part.is_encoded,
                    line_end=spelling.line_end,
                    unknown=unknown,
                    edits=spelling.edits,
                    lengths=list(map(len, lanes)),
                    code=code,
                )
        else:
            advance(len(part.content))
        yield block


def decompressed(file: BinaryIO, header: Header, coding: Coding, *, advance: Advance) -> Iterator[bytes]:
    """Yields the original file part by part.

    Args:
        file: the compressed one, whose header has been read.
        advance: is given the number of bytes decompressed since its last call.

    Raises:
        UntrustedFileError: the file is damaged, forged, or was made where models compute differently.
        CharlmError: the model's output is not finite.
    """
    reader, unknown_coder = coding.reader(num_lanes=header.num_streams), coding.unknown_coder()
    speller = Speller(coding.tokenizer, coding.data)
    digest = hashlib.sha256()
    try:
        encoding = resolve_encoding(header.encoding)
    except ConfigError:
        raise UntrustedFileError("is of an encoding that is not known") from None
    for block in read_blocks(file, header):
        if block.is_coded:
            tick = _shares(advance, block.num_bytes, of=sum(block.lengths))
            content = _decoded(block, reader, unknown_coder, speller, encoding=encoding, advance=tick)
        else:
            content = unpack(block.code)
            advance(block.num_bytes)
        if len(content) != block.num_bytes or zlib.crc32(content) != block.checksum:
            raise UntrustedFileError("has a block that does not give back what was compressed")
        digest.update(content)
        yield content
    if digest.digest() != header.sha256:
        raise UntrustedFileError("does not give back what was compressed")


def _decoded(
    block: Block, reader: LaneReader, unknown_coder: UnknownCoder, speller: Speller, *, encoding: str, advance: Advance
) -> bytes:
    tokens = np.concatenate(decode(reader, block.code, list(block.lengths), advance=advance))
    unknown = unknown_coder.unpack(tokens, block.unknown)
    text = speller.text_of(Spelling(tokens, block.line_end, unknown, block.edits))
    try:
        return text.encode(encoding) if block.is_encoded else text.encode(UTF_8, "surrogateescape")
    except UnicodeError:
        raise UntrustedFileError("has characters that its encoding lacks") from None


class _Part(NamedTuple):
    """A part of a file, and its text.

    Attributes:
        is_encoded: whether that is in the usual encoding of the file; else in UTF-8, with invalid bytes.
    """

    content: bytes
    text: str
    is_encoded: bool


def _parts(file: BinaryIO, encoding: str) -> Iterator[_Part]:
    """Yields a file in parts of at most `BLOCK_BYTES`, which end with lines where lines are not too long."""
    held = b""
    while True:
        held += file.read(BLOCK_BYTES - len(held))
        if not held:
            return
        part = _encoded_part(held, encoding, is_last=len(held) < BLOCK_BYTES)
        if part is None:
            content = held if len(held) < BLOCK_BYTES else held[: _end_of_lines(held, b"\n")]
            part = _Part(content, content.decode(UTF_8, "surrogateescape"), is_encoded=False)
        yield part
        held = held[len(part.content) :]


def _encoded_part(held: bytes, encoding: str, *, is_last: bool) -> _Part | None:
    """Returns the part that some bytes begin with; None where it would not come back from its text."""
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        text = decoder.decode(held, final=is_last)
        text = text if is_last else text[: _end_of_lines(text, "\n")]
        content = text.encode(encoding)
    except UnicodeError:
        return None
    return _Part(content, text, is_encoded=True) if content and held.startswith(content) else None


def _end_of_lines(text: AnyStr, line_feed: AnyStr) -> int:
    """Returns where the lines of a text end that is cut off somewhere; its end where its last line is too long."""
    end = text.rfind(line_feed) + 1
    return end if end > len(text) // 2 else len(text)


def _shares(advance: Advance, num_bytes: int, *, of: int) -> Advance:
    """Returns a function that is given numbers of symbols and, now and then, gives `advance` their bytes."""
    done = told = 0

    def tick(num_symbols: int) -> None:
        nonlocal done, told
        done += num_symbols
        share = num_bytes * done // of
        if share - told >= _BYTES_BETWEEN or done == of:
            advance(share - told)
            told = share

    return tick
