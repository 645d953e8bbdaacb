import hashlib
import os

import pytest

from charlm.files.errors import UntrustedFileError
from charlm.files.reading import file_sha256, open_regular, read_bounded


def test_a_file_is_read_up_to_its_bound(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"12345")
    assert read_bounded(path, most_bytes=5) == b"12345"
    with pytest.raises(UntrustedFileError, match="has more than 4 bytes"):
        read_bounded(path, most_bytes=4)


def test_a_pipe_nobody_writes_to_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UntrustedFileError, match="is not a file"):
        read_bounded(tmp_path / "pipe", most_bytes=10)


@pytest.mark.parametrize("kind", ["/dev/zero", "folder"])
def test_what_is_no_file_is_refused(tmp_path, kind):
    (tmp_path / "folder").mkdir()
    with pytest.raises((UntrustedFileError, OSError)):
        read_bounded(tmp_path / kind, most_bytes=10)


def test_a_link_out_of_the_folder_is_refused_and_one_within_is_not(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (tmp_path / "secret").write_text("secret")
    (folder / "own").write_text("own")
    (folder / "out").symlink_to(tmp_path / "secret")
    (folder / "in").symlink_to(folder / "own")
    with pytest.raises(UntrustedFileError, match="link out of its folder"):
        read_bounded(folder / "out", most_bytes=10, within=folder)
    assert read_bounded(folder / "in", most_bytes=10, within=folder) == b"own"
    assert read_bounded(folder / "out", most_bytes=10) == b"secret"


def test_a_file_of_a_terabyte_of_nothing_takes_no_memory(tmp_path):
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(UntrustedFileError):
        read_bounded(path, most_bytes=1 << 30)
    with open_regular(path) as (_, size):
        assert size == 1 << 40


def test_a_file_that_is_nearly_all_holes_is_refused_and_one_that_is_half_of_them_is_not(tmp_path):
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.write(b"1" * (1 << 20))
        file.truncate(1 << 21)
    assert len(read_bounded(path, most_bytes=1 << 24)) == 1 << 21
    with path.open("r+b") as file:
        file.truncate(1 << 24)
    with pytest.raises(UntrustedFileError, match="has 16,777,216 bytes, of which only 1,048,576 are on the disk"):
        read_bounded(path, most_bytes=1 << 24)
    path.write_bytes(bytes(1 << 20))
    assert read_bounded(path, most_bytes=1 << 20) == bytes(1 << 20)


def test_the_digest_is_that_of_the_content(tmp_path):
    content = bytes(range(256)) * 5000
    (tmp_path / "a").write_bytes(content)
    assert file_sha256(tmp_path / "a") == hashlib.sha256(content).hexdigest()
