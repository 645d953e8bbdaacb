import subprocess
import sys
from pathlib import Path

import pytest

from charlm.checkpointing.locking import LOCK_FILE, InUseError, locked
from charlm.errors import CheckpointError

HOLD = """
import sys
from pathlib import Path
from charlm.checkpointing.locking import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(folder: Path) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_another_process_is_kept_out_until_the_first_one_is_dead(tmp_path):
    with holder(tmp_path) as process:
        with pytest.raises(InUseError, match="in use by another charlm"), locked(tmp_path):
            pass
        process.kill()
    with locked(tmp_path):
        pass


def test_a_lock_is_free_again_after_the_block(tmp_path):
    for _ in range(2):
        with locked(tmp_path):
            pass


def test_a_lock_file_that_is_a_link_is_not_followed(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("mine")
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / LOCK_FILE).symlink_to(victim)
    with pytest.raises(CheckpointError, match="Cannot lock"), locked(folder):
        pass
    assert victim.read_text() == "mine"
