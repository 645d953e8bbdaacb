import gzip

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charlm.data.blocks import cut_into_blocks, file_stamps, utf8_blocks
from charlm.data.raw import FileInput
from charlm.data.sources import CombinedSource, DecodedSource, StringSource
from charlm.errors import DataError


def source_of(folder, *contents, encoding="utf-8", **cleaning):
    parts = []
    for number, content in enumerate(contents):
        packed = content.startswith(b"\x1f\x8b")
        path = folder / f"{number}.txt{'.gz' if packed else ''}"
        path.write_bytes(content)
        parts.append(DecodedSource(FileInput(path), path.name, encoding))
    return CombinedSource(tuple(parts), "texts", **cleaning)


def read(source):
    return "".join(source.chunks())


@given(st.lists(st.text("aé漢😀\n\r", min_size=1, max_size=30), min_size=1, max_size=4), st.integers(1, 20))
@settings(deadline=None)
def test_blocks_are_the_text_one_after_the_other(tmp_path_factory, texts, block_bytes):
    source = source_of(tmp_path_factory.mktemp("x"), *(text.encode() for text in texts))
    blocks = cut_into_blocks(source, records=False, block_bytes=block_bytes)
    assert "".join(map(read, blocks)) == read(source) == "".join(texts)
    # A character takes at most 4 bytes, and a block goes on to the end of one.
    assert all(len(read(block).encode()) < 2 * block_bytes + 4 for block in blocks) or len(blocks) == 1


@pytest.mark.parametrize("cleaning", [{"newlines": "lf"}, {"normalize": "nfc"}, {}])
@given(text=st.text("ae\u0301\u0308\r\n", min_size=1, max_size=60), block_bytes=st.integers(1, 9))
@settings(deadline=None)
def test_blocks_are_cut_after_line_feeds_where_what_is_read_depends_on_more(
    tmp_path_factory, cleaning, text, block_bytes
):
    source = source_of(tmp_path_factory.mktemp("x"), text.encode(), b"\n\xcc\x81e", **cleaning)
    blocks = cut_into_blocks(source, records=not cleaning, block_bytes=block_bytes)
    assert "".join(map(read, blocks)) == read(source)
    assert all(read(block).endswith("\n") for block in blocks[:-1])


def test_a_byte_order_mark_is_dropped_at_the_start_of_each_file_alone(tmp_path):
    source = source_of(tmp_path, b"\xef\xbb\xbfabcd" + "\ufeffefgh".encode(), b"\xef\xbb\xbfijkl")
    blocks = cut_into_blocks(source, records=False, block_bytes=4)
    assert "".join(map(read, blocks)) == "abcd\ufeffefghijkl"
    assert b"".join(utf8_blocks(source)) == "abcd\ufeffefghijkl".encode()


def test_small_files_share_a_block_and_packed_ones_stay_whole(tmp_path):
    packed = gzip.compress(b"x" * 500, mtime=0)
    source = source_of(tmp_path, *[b"ab"] * 10, packed, b"c" * 12)
    blocks = cut_into_blocks(source, records=False, block_bytes=5)
    assert [len(block.parts) for block in blocks] == [3, 3, 3, 2, 1, 1, 1]
    assert "".join(map(read, blocks)) == "ab" * 10 + "x" * 500 + "c" * 12
    # Plain files whose lines go on are not parted; that a packed one ends a line is supposed until it is unpacked.
    blocks = cut_into_blocks(source, records=True, block_bytes=5)
    assert [read(block) for block in blocks] == ["ab" * 10 + "x" * 500, "c" * 12]


@pytest.mark.parametrize("name", ["0.txt", "1.txt.gz"])
def test_a_file_that_is_gone_before_it_is_read_is_told_by_its_name(tmp_path, name):
    source = source_of(tmp_path, b"ab" * 10, gzip.compress(b"c" * 12))
    (tmp_path / name).unlink()
    with pytest.raises(DataError, match=rf"'.*{name}' cannot be read: No such file"):
        cut_into_blocks(source, records=False, block_bytes=5)


@pytest.mark.parametrize("encoding", ["utf-16", "cp1252"])
def test_files_in_other_encodings_stay_whole(tmp_path, encoding):
    source = source_of(tmp_path, *(("é\n" * 20).encode(encoding) for _ in range(3)), encoding=encoding)
    blocks = cut_into_blocks(source, records=False, block_bytes=6)
    assert [read(block) for block in blocks] == ["é\n" * 20] * 3
    assert b"".join(utf8_blocks(source)) == ("é\n" * 60).encode()


def test_what_is_short_or_no_file_is_one_block(tmp_path):
    short = source_of(tmp_path, b"abcdefgh")
    text = StringSource("abcdefgh" * 9)
    assert cut_into_blocks(short, records=False, block_bytes=4) == (short,)
    assert cut_into_blocks(text, records=False, block_bytes=1) == (text,)
    assert file_stamps(text) == ()


def test_a_part_of_a_file_is_cut_within_its_bounds(tmp_path):
    whole = source_of(tmp_path, "aé漢😀".encode() * 5)
    part = CombinedSource((DecodedSource(whole.parts[0].raw, "x", start=2, stop=34),), "x")
    blocks = cut_into_blocks(part, records=False, block_bytes=7)
    assert len(blocks) > 2
    assert "".join(map(read, blocks)) == b"".join(utf8_blocks(part)).decode() == read(part)
