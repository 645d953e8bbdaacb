import os
import subprocess
import sys
from pathlib import Path

from charlm.files.temporary import remove_abandoned, remove_leftovers


def test_leftovers_of_killed_writers_are_removed(tmp_path: Path):
    (tmp_path / ".tmp-last.safetensors-0a1b2c3d").touch()
    (tmp_path / "last.safetensors").touch()
    remove_leftovers(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["last.safetensors"]


def test_what_dead_processes_left_is_removed_and_what_living_ones_write_is_not(tmp_path: Path):
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    leftover = tmp_path / f".tmp-{int(dead.stdout)}-aa"
    alive = tmp_path / f".tmp-{os.getppid()}-bb"
    for folder in (leftover, alive):
        folder.mkdir()
        (folder / "train.bin").write_bytes(b"abc")
    remove_abandoned(tmp_path)
    assert list(tmp_path.iterdir()) == [alive]
