import lzma

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.compression import packing
from charlm.compression.packing import MOST_UNPACKED_BYTES, pack, unpack
from charlm.files.errors import UntrustedFileError


@given(st.binary())
def test_bytes_come_back(content):
    packed = pack(content)
    assert unpack(packed) == content
    assert len(packed) < len(content) + 16


@given(st.binary(max_size=200))
def test_other_bytes_are_refused(content):
    try:
        assert len(unpack(content)) <= MOST_UNPACKED_BYTES
    except UntrustedFileError:
        return


def test_a_bomb_is_refused():
    bomb = lzma.compress(bytes(MOST_UNPACKED_BYTES + 1), format=lzma.FORMAT_RAW, filters=packing._FILTERS)
    with pytest.raises(UntrustedFileError, match="cut short or too long"):
        unpack(bomb)
    assert unpack(pack(bytes(MOST_UNPACKED_BYTES))) == bytes(MOST_UNPACKED_BYTES)


def test_what_follows_is_refused():
    with pytest.raises(UntrustedFileError):
        unpack(pack(b"abc") + b"x")
