"""Standard streams that are closed, before the command begins or while it works."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from charlm.checkpointing.run_folder import RunFolder
from charlm.runs.stored.state import open_state
from tests.support.commands import PACKAGE, SMALL, TEXT

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")

COMMAND = [sys.executable, "-m", "charlm"]
ENVIRONMENT = os.environ | {"PYTHONPATH": str(PACKAGE), "OMP_NUM_THREADS": "1", "TERM": "dumb"}


def with_streams(redirection: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[bytes]:
    """Runs charlm with streams closed as the shell is told."""
    shell = ["sh", "-c", f'exec "$@" {redirection}', "sh", *COMMAND, *arguments]
    return subprocess.run(shell, cwd=cwd, env=ENVIRONMENT, capture_output=True, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("redirection", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_command_that_needs_no_closed_stream_does_its_work(redirection: str, tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text(TEXT)
    done = with_streams(redirection, "train", "t.txt", "--model", "ngram", "--name", "n", cwd=tmp_path)
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False), done.stderr
    assert (tmp_path / "checkpoints" / "n" / "best.safetensors").exists()
    assert (b"perplexity" in done.stdout) == (">&-" not in redirection.replace("2>&-", ""))


@pytest.mark.slow
def test_training_on_a_closed_standard_input_is_refused_in_one_sentence(tmp_path: Path) -> None:
    done = with_streams("<&-", "train", "-", "--quiet", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith(b"Error: ") and done.stderr.count(b"\n") == 1


@pytest.mark.parametrize("arguments", [["trian"], ["sample", "none"], []])
def test_an_error_that_nobody_can_read_keeps_its_exit_code(arguments: list[str], tmp_path: Path) -> None:
    expected = with_streams("", *arguments, cwd=tmp_path).returncode
    assert expected in (1, 2)
    assert with_streams(">&- 2>&-", *arguments, cwd=tmp_path).returncode == expected


@pytest.mark.slow
def test_a_training_whose_reader_leaves_saves_and_ends_as_a_closed_pipe_does(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text(TEXT)
    length = ["--steps", "1000000", "--evaluations", "500000", "--save-every", "1h", "--name", "left"]
    with subprocess.Popen(
        [*COMMAND, "train", "t.txt", *SMALL, *length],
        cwd=tmp_path,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        assert process.stdout is not None
        while not process.stdout.readline().startswith(b"evaluation at step"):
            pass
        process.stdout.close()
        assert process.wait() == 141
    folder = RunFolder(tmp_path / "checkpoints" / "left")
    assert open_state(folder.last).record.step >= 2


@pytest.mark.slow
def test_a_reader_that_leaves_before_the_training_ends_it_as_a_closed_pipe_does(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text(TEXT)
    read, write = os.pipe()
    os.close(read)
    command = [*COMMAND, "train", "t.txt", *SMALL, "--steps", "2"]
    done = subprocess.run(command, cwd=tmp_path, env=ENVIRONMENT, stdout=write, stderr=write, check=False)
    os.close(write)
    assert done.returncode == 141


def test_warnings_of_libraries_are_not_for_the_users_of_a_command() -> None:
    code = "import warnings; from charlm.cli import app; app.run = lambda: warnings.warn('overflow') or 0; app.main()"
    for options, shown in (([], False), (["-W", "default"], True)):
        command = [sys.executable, *options, "-c", code]
        env = {**os.environ, "PYTHONPATH": str(PACKAGE), "PYTHONWARNINGS": ""}
        finished = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
        assert ("overflow" in finished.stderr) is shown
