"""Files compressed in memory with small counted models."""

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import pytest

from charlm.compression import codec
from charlm.compression.codec import Coding, compressed, decompressed, probe_of
from charlm.compression.container import Header, Versions, read_header, write_block, write_header
from charlm.config import DataConfig, TokenizerConfig
from charlm.data.layout import as_pieces
from charlm.data.tokenizers.build import train_tokenizer
from charlm.ngrams.build import count_model
from charlm.ngrams.stepping import NgramStepModel
from charlm.stepping.adaptive import AdaptiveStepModel

TEXT = "the cat sat on the mat.\na dog ran to the man. \nwe saw ten red h\u00e9ns in a pen.\n" * 20


def silent(_: int) -> None:
    """Shows no progress."""


@cache
def coding_of(
    tokenizer: str, records: str = "none", newlines: str = "keep", normalize: str = "none", adapts: bool = False
) -> Coding:
    """An n-gram model of a small text, with the symbols and the reading that are named."""
    data = DataConfig(corpus=("text.txt",), records=records, newlines=newlines, normalize=normalize)
    has_records = records == "lines"
    text = "".join(as_pieces([TEXT], records=has_records))
    settings = TokenizerConfig(tokenizer=tokenizer, vocabulary_size=300)
    learnt = train_tokenizer(settings, [text.replace("\n", "") if has_records else text], records=has_records)
    tokens = learnt.encode(text)
    counted = count_model(
        tokens, order=4, smoothing="kneser-ney", vocabulary_size=learnt.vocabulary_size, begin=learnt.begin
    )
    model = NgramStepModel(counted.model)
    return Coding(AdaptiveStepModel(None, model, begin=learnt.begin) if adapts else model, learnt, data, adapts)


KINDS = [(name, records) for name in ("char", "byte", "sentencepiece") for records in ("none", "lines")]


def compress(content: bytes, coding: Coding, *, encoding: str = "utf-8", num_streams: int = 1) -> bytes:
    """A compressed file."""
    header = Header(
        run="small",
        identity=bytes(16),
        model=bytes(16),
        sha256=hashlib.sha256(content).digest(),
        num_bytes=len(content),
        probe=probe_of(coding, num_streams=num_streams),
        num_streams=num_streams,
        adapts=coding.adapts,
        encoding=encoding,
        versions=Versions("0", "0", "0"),
    )
    blocks = compressed(io.BytesIO(content), coding, encoding=encoding, num_streams=num_streams, advance=silent)
    return write_header(header) + b"".join(map(write_block, blocks))


@contextmanager
def model_alone() -> Iterator[None]:
    """Every block is coded by the model; of short texts, LZMA makes less than small models do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(codec, "pack", lambda content: bytes(1 << 20))
        yield


def decompress(packed: bytes, coding: Coding) -> bytes:
    """The file that was compressed."""
    file = io.BytesIO(packed)
    return b"".join(decompressed(file, read_header(file), coding, advance=silent))
