import subprocess
import sys
from pathlib import Path

from charlm.files.temporary import claimed_folder, remove_abandoned, remove_leftovers


def test_leftovers_of_killed_writers_are_removed(tmp_path: Path):
    (tmp_path / ".tmp-last.safetensors-0a1b2c3d").touch()
    (tmp_path / "last.safetensors").touch()
    remove_leftovers(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["last.safetensors"]


def test_what_dead_processes_left_is_removed_and_what_living_ones_write_is_not(tmp_path: Path):
    code = (
        "import os, pathlib; from charlm.files.temporary import claimed_folder\n"
        f"with claimed_folder(pathlib.Path({str(tmp_path)!r})) as folder:\n"
        "    (folder / 'train.bin').write_bytes(b'abc'); os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9
    (left,) = (path for path in tmp_path.iterdir() if path.is_dir())
    with claimed_folder(tmp_path) as alive:
        (alive / "train.bin").write_bytes(b"abc")
        remove_abandoned(tmp_path)
        assert not left.exists()
        assert (alive / "train.bin").read_bytes() == b"abc"
    assert list(tmp_path.iterdir()) == []
