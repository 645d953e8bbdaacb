import os
import stat
from pathlib import Path

import pytest

from charlm.errors import CheckpointError
from charlm.files.writing import append, make_folder, remove_leftovers, require_free, write_atomically


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(CheckpointError, match=r"^Cannot write '.*file': No space left .* is kept\.$"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_content_is_synced_before_the_renaming_and_the_folder_after_it(tmp_path, monkeypatch):
    events = []
    plain_sync, plain_replace = os.fsync, os.replace

    def fsync(descriptor):
        status = os.fstat(descriptor)
        events.append("sync folder" if stat.S_ISDIR(status.st_mode) else f"sync {status.st_size} bytes")
        plain_sync(descriptor)

    def replace(source, target):
        events.append(f"rename to {Path(target).name}")
        plain_replace(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    write_atomically(tmp_path / "file", [b"new", b"er"])
    assert events == ["sync 5 bytes", "rename to file", "sync folder"]


def test_a_written_file_has_the_permissions_of_any_new_file(tmp_path: Path):
    (tmp_path / "plain").write_bytes(b"")
    write_atomically(tmp_path / "file", b"")
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


def test_leftovers_of_killed_writers_are_removed(tmp_path: Path):
    (tmp_path / ".tmp-last.safetensors-0a1b2c3d").touch()
    (tmp_path / "last.safetensors").touch()
    remove_leftovers(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["last.safetensors"]


def test_the_name_of_each_new_folder_is_synced(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr("charlm.files.writing.sync", synced.append)
    make_folder(tmp_path / "a" / "b")
    assert sorted(synced) == [tmp_path, tmp_path / "a"]
    synced.clear()
    make_folder(tmp_path / "a" / "b", exist_ok=True)
    assert synced == []
    with pytest.raises(FileExistsError):
        make_folder(tmp_path / "a")


def test_only_a_file_that_may_be_replaced_is_not_free(tmp_path):
    path = tmp_path / "out"
    require_free(path, overwrite=False)
    path.write_bytes(b"kept")
    require_free(path, overwrite=True)
    with pytest.raises(CheckpointError, match="is there already"):
        require_free(path, overwrite=False)
    with pytest.raises(CheckpointError, match="is a folder"):
        require_free(tmp_path, overwrite=True)
