import bz2
import gzip
import io
import lzma
import random
import sys
import zlib
from pathlib import Path

import pytest

from charlm.data.raw import FileInput, SpooledInput
from charlm.errors import DataError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

CONTENT = random.Random(1).randbytes(1_200_000)  # two blocks
COMPRESS = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zst": zstd.compress, "": bytes}


@pytest.mark.parametrize("suffix", COMPRESS)
def test_every_format_gives_the_bytes_inside_each_time_it_is_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"text.txt{suffix}"
    path.write_bytes(COMPRESS[suffix](CONTENT))
    raw = FileInput(path)
    assert b"".join(raw.blocks()) == CONTENT
    assert b"".join(raw.blocks()) == CONTENT


@pytest.mark.parametrize("suffix", COMPRESS)
def test_a_range_counts_bytes_of_the_content(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"text.txt{suffix}"
    path.write_bytes(COMPRESS[suffix](CONTENT))
    assert b"".join(FileInput(path).blocks(1_000_000, 1_100_001)) == CONTENT[1_000_000:1_100_001]


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz", ".zst"])
def test_archives_one_after_the_other_are_read_as_one(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"text{suffix}"
    path.write_bytes(COMPRESS[suffix](b"first ") + COMPRESS[suffix](b"second"))
    assert b"".join(FileInput(path).blocks()) == b"first second"


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz", ".zst"])
def test_a_truncated_archive_is_refused_by_name(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"text{suffix}"
    path.write_bytes(COMPRESS[suffix](CONTENT)[:-7])
    with pytest.raises(DataError, match=rf"text{suffix}' is damaged, cut short"):
        list(FileInput(path).blocks())


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz", ".zst"])
def test_a_file_that_is_no_archive_is_refused_by_name(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"text{suffix}"
    path.write_bytes(b"plain text that only claims to be compressed")
    with pytest.raises(DataError, match=rf"text{suffix}' is damaged, cut short or no {suffix} archive"):
        list(FileInput(path).blocks())


def test_a_damaged_gzip_body_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "text.gz"
    damaged = bytearray(gzip.compress(b"some text " * 100))
    damaged[15] ^= 0xFF
    path.write_bytes(damaged)
    with pytest.raises(DataError, match="damaged"):
        list(FileInput(path).blocks())


def test_the_size_of_a_plain_file_is_known_and_of_an_archive_is_not(tmp_path: Path) -> None:
    plain, packed = tmp_path / "a.txt", tmp_path / "a.txt.GZ"
    plain.write_bytes(b"12345")
    packed.write_bytes(gzip.compress(b"12345"))
    assert FileInput(plain).size_bytes() == 5
    assert FileInput(packed).size_bytes() is None


def test_a_missing_file_is_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone.txt' cannot be read: No such file"):
        list(FileInput(tmp_path / "gone.txt").blocks())


class _Drip(io.RawIOBase):
    """A pipe that hands out a few bytes at a time."""

    def __init__(self, content: bytes) -> None:
        self._content = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._content.read(min(size, 1000))


def test_a_pipe_can_be_read_twice_at_the_same_time() -> None:
    raw = SpooledInput(_Drip(CONTENT), name="stdin")  # type: ignore[arg-type]
    pairs = list(zip(raw.blocks(), raw.blocks(), strict=True))
    assert b"".join(first for first, _ in pairs) == b"".join(second for _, second in pairs) == CONTENT
    assert b"".join(raw.blocks(5, 9)) == CONTENT[5:9]
    assert raw.size_bytes() == len(CONTENT)


def test_a_full_disk_while_keeping_a_pipe_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    class _Full(io.BytesIO):
        def write(self, data: object) -> int:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryFile", _Full)
    with pytest.raises(DataError, match=r"stdin in a temporary file: No space left on device. Free some space"):
        SpooledInput(io.BytesIO(b"text"), name="stdin")


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz", ".zst"])
def test_a_bomb_is_read_no_further_than_allowed(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"bomb{suffix}"
    path.write_bytes(COMPRESS[suffix](bytes(30 << 20)))
    read = 0
    with pytest.raises(DataError, match=r"unpacks to more than 5,000,000 bytes, .*--max-bytes"):
        for block in FileInput(path, most_unpacked_bytes=5_000_000).blocks():
            read += len(block)
    assert read <= 5_000_000
    assert sum(map(len, FileInput(path, most_unpacked_bytes=30 << 20).blocks())) == 30 << 20


def test_an_archive_of_a_giant_window_is_refused(tmp_path: Path) -> None:
    lzma_file = bytearray(lzma.compress(CONTENT))
    block_header = slice(12, 20)  # After the stream's: its size, no flags, and a filter, LZMA2, with its window.
    assert lzma_file[block_header] == bytes([2, 0, 0x21, 1, 22, 0, 0, 0])
    lzma_file[16] = 40  # 4 GiB
    lzma_file[20:24] = zlib.crc32(lzma_file[block_header]).to_bytes(4, "little")
    packer = zstd.ZstdCompressor()
    zstd_file = bytearray(packer.compress(CONTENT) + packer.flush())
    zstd_file[5] = (31 - 10) << 3  # 2 GiB
    for suffix, content in ((".xz", lzma_file), (".xz", lzma.compress(b"whole") + lzma_file), (".zst", zstd_file)):
        path = tmp_path / f"text{suffix}"
        path.write_bytes(content)
        with pytest.raises(DataError, match=rf"text{suffix}' takes more than 128 MiB of memory to unpack"):
            list(FileInput(path).blocks())


def test_zeros_after_an_xz_archive_are_padding_and_nothing_else_is(tmp_path: Path) -> None:
    path = tmp_path / "text.xz"
    path.write_bytes(lzma.compress(b"first ") + bytes(3 << 20) + lzma.compress(b"second", preset=9) + bytes(4))
    assert b"".join(FileInput(path).blocks()) == b"first second"
    for content in (lzma.compress(b"first") + b"garbage", b""):
        path.write_bytes(content)
        with pytest.raises(DataError, match="is damaged, cut short"):
            list(FileInput(path).blocks())


def test_a_plain_file_has_no_such_bound(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(bytes(1000))
    assert sum(map(len, FileInput(path, most_unpacked_bytes=10).blocks())) == 1000
