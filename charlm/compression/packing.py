"""Bytes in fewer bytes without a model: LZMA2 without a header, within bounds."""

import lzma

from charlm.files.errors import UntrustedFileError

BLOCK_BYTES = 1 << 18
"""The bytes of a file that are compressed at a time, at most."""

MOST_UNPACKED_BYTES = 16 * BLOCK_BYTES
"""More than what is beside the code of any block."""

_FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 9, "dict_size": 4 * BLOCK_BYTES}]


def pack(content: bytes) -> bytes:
    """Returns bytes packed; a few more than there were, where nothing can be saved."""
    return lzma.compress(content, format=lzma.FORMAT_RAW, filters=_FILTERS)


def unpack(packed: bytes) -> bytes:
    """Returns what was packed; an UntrustedFileError for other bytes, and for those that hold more than a block can."""
    unpacker = lzma.LZMADecompressor(format=lzma.FORMAT_RAW, filters=_FILTERS)
    try:
        content = unpacker.decompress(packed, max_length=MOST_UNPACKED_BYTES)
    except lzma.LZMAError:
        raise UntrustedFileError("has a part that cannot be unpacked") from None
    if not unpacker.eof or unpacker.unused_data:
        raise UntrustedFileError("has a part that is cut short or too long")
    return content
