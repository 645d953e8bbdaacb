import os
import tracemalloc

import pytest

from charlm.data.untrusted import UntrustedFileError, open_regular, parse_json, read_bounded


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


@pytest.mark.parametrize("content", [b"[" * 100_000, b"{", b"\xff", b"9" * 10_000, b"", b"[" * 300_000, b"[[],[],"])
def test_what_is_no_json_is_refused(content):
    with pytest.raises(UntrustedFileError):
        parse_json(content)


def test_json_of_few_bytes_and_many_objects_is_refused_before_it_takes_memory():
    content = b"[" + b",".join([b"{}"] * 1_000_000) + b"]"
    tracemalloc.start()
    with pytest.raises(UntrustedFileError, match="parts"):
        parse_json(content)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 20


def test_json_is_json():
    assert parse_json('{"é": [1, null, "\\ud83d\\ude00"]}'.encode()) == {"é": [1, None, "😀"]}
