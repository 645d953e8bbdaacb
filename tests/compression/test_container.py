import io
import zlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.compression import container
from charlm.compression.container import Block, Header, Versions, read_blocks, read_header, write_block, write_header
from charlm.compression.packing import BLOCK_BYTES
from charlm.files.errors import UntrustedFileError
from tests.support.compressing import coding_of, decompress

HEADER = Header("r\u00fcn", b"i" * 16, b"m" * 16, b"s" * 32, 7, 5, 2, True, "utf-8", Versions("1.0", "2.4.6", "0.5.0"))
BLOCK = Block(7, 3, True, False, 1, b"unknown", b"", [4, 3], b"code")


def test_a_header_comes_back_and_is_short():
    assert read_header(io.BytesIO(write_header(HEADER))) == HEADER
    assert len(write_header(HEADER)) < 130


def test_only_a_model_that_adapts_is_of_a_later_engine():
    # Files of models that do not adapt are read as ever.
    static = replace(HEADER, adapts=False)
    assert (write_header(static)[9], write_header(HEADER)[9]) == (1, 4)
    assert read_header(io.BytesIO(write_header(static))) == static


def test_blocks_come_back():
    file = io.BytesIO(write_block(BLOCK))
    assert list(read_blocks(file, HEADER)) == [BLOCK]


def test_names_that_are_long_or_no_text_are_shortened():
    long = read_header(io.BytesIO(write_header(replace(HEADER, run="\udc80" + "x" * 300))))
    assert long.run == "?" + "x" * 254


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ((0, b"PK"), "no file that charlm compress wrote"),
        ((8, b"\2"), "format version 2"),
        ((9, b"\1"), "made by charlm 1.0, whose models compute differently"),
        ((14, b"\0"), "header that does not match its checksum"),
    ],
)
def test_another_kind_or_version_is_named(change, message):
    place, content = change
    packed = bytearray(write_header(HEADER))
    packed[place : place + len(content)] = content
    with pytest.raises(UntrustedFileError, match=message):
        read_header(io.BytesIO(packed))


def forged_block(**changes) -> bytes:
    """A block with a right checksum."""
    return write_block(BLOCK._replace(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"num_bytes": 0},
        {"num_bytes": 8},
        {"num_bytes": BLOCK_BYTES + 1},
        {"lengths": [2**32 - 1, 2**32 - 1]},
        {"lengths": [4]},
    ],
)
def test_blocks_beyond_all_bounds_are_refused(changes):
    with pytest.raises(UntrustedFileError):
        list(read_blocks(io.BytesIO(forged_block(**changes)), replace(HEADER, num_bytes=7)))


def test_sizes_are_not_believed():
    packed = bytearray(write_block(BLOCK))
    for place in (10, 14, 18):
        forged = packed.copy()
        forged[place : place + 4] = b"\xff\xff\xff\x7f"
        with pytest.raises(UntrustedFileError, match="does not write"):
            list(read_blocks(io.BytesIO(forged), HEADER))


NUMBERS = st.integers(0, 2**32 - 1) | st.integers(0, 300)


@given(
    header=st.builds(
        Header,
        run=st.text(),
        identity=st.just(bytes(16)),
        model=st.just(bytes(16)),
        sha256=st.just(bytes(32)),
        num_bytes=NUMBERS | st.integers(0, 2**64 - 1),
        probe=NUMBERS,
        num_streams=st.integers(0, 8),
        adapts=st.booleans(),
        encoding=st.sampled_from(["utf-8", "utf-16-le", "punycode", "", "idna"]) | st.text(),
        versions=st.just(Versions("", "", "")),
    ),
    block=st.builds(
        Block,
        num_bytes=NUMBERS,
        checksum=NUMBERS,
        is_coded=st.booleans(),
        is_encoded=st.booleans(),
        line_end=st.integers(0, 255),
        unknown=st.binary(max_size=9),
        edits=st.binary(max_size=9),
        lengths=st.lists(st.integers(0, 300), max_size=9),
        code=st.binary(max_size=99),
    ),
)
def test_a_forged_file_with_right_checksums_is_refused(header, block):
    packed = write_header(header) + write_block(block)
    with pytest.raises(UntrustedFileError):
        decompress(packed, coding_of("char"))


def test_checksums_are_of_everything():
    packed = write_block(BLOCK)
    assert zlib.crc32(packed[: container._BLOCK.size - 4] + bytes(4) + packed[container._BLOCK.size :]) == (
        int.from_bytes(packed[container._BLOCK.size - 4 : container._BLOCK.size], "little")
    )
