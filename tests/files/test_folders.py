import subprocess
import sys
from pathlib import Path

import pytest

from charlm.files.folders import replace_folder, scratch_folder


def test_a_folder_takes_the_place_of_whatever_was_there(tmp_path: Path):
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "old").touch()
    for name in ("file", "folder", "none"):
        with replace_folder(tmp_path / name) as temporary:
            (temporary / "new").touch()
        assert [path.name for path in (tmp_path / name).iterdir()] == ["new"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder", "none"]


def test_a_block_that_fails_leaves_what_was_there(tmp_path: Path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "old").touch()
    with pytest.raises(KeyboardInterrupt), replace_folder(tmp_path / "folder") as temporary:
        (temporary / "new").touch()
        raise KeyboardInterrupt
    assert list(tmp_path.rglob("*")) == [tmp_path / "folder", tmp_path / "folder" / "old"]


def test_what_dead_processes_left_is_removed_and_what_living_ones_write_is_not(tmp_path: Path):
    code = (
        "import os, pathlib; from charlm.files.folders import scratch_folder\n"
        f"with scratch_folder(pathlib.Path({str(tmp_path)!r})) as folder:\n"
        "    (folder / 'train.bin').write_bytes(b'abc'); os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9
    (left,) = (path for path in tmp_path.iterdir() if path.is_dir())
    with scratch_folder(tmp_path) as alive:
        (alive / "train.bin").write_bytes(b"abc")
        assert not left.exists()
        with scratch_folder(tmp_path):
            assert (alive / "train.bin").read_bytes() == b"abc"
    assert list(tmp_path.iterdir()) == []
