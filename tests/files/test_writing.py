import os
from pathlib import Path

import pytest

from charlm.files.writing import append, replace_file


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "file"
    replace_file(path, b"old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        replace_file(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_written_file_has_the_permissions_of_any_new_file(tmp_path: Path):
    (tmp_path / "plain").write_bytes(b"")
    replace_file(tmp_path / "file", b"")
    assert (tmp_path / "file").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_an_append_follows_no_link(tmp_path: Path):
    (tmp_path / "secret").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    append(tmp_path / "file", b"a")
    append(tmp_path / "file", b"b")
    assert (tmp_path / "file").read_bytes() == b"ab"
    with pytest.raises(OSError):
        append(tmp_path / "link", b"new")
    assert (tmp_path / "secret").read_bytes() == b"old"
