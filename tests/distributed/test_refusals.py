"""What several processes are refused: one sentence of one of them, and the same exit code from all."""

import os
import socket
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from charlm.cli import app
from charlm.distributed import joining
from charlm.distributed.place import Place
from charlm.errors import DistributedError
from tests.support.commands import PACKAGE, SMALL, TEXT
from tests.support.launched import Launched, free_port, launch

TRAIN = ["train", "text.txt", "--steps", "2", *SMALL]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "text.txt").write_text(TEXT)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def assert_refused(launched: Launched, words: str, *, code: int = 1) -> None:
    codes, texts = launched.codes(), launched.texts()
    assert codes == [code] * len(codes), texts
    said = [line for text in texts for line in text.splitlines() if line.startswith("Error")]
    assert len(said) == 1, texts
    assert words in said[0]
    assert "Traceback" not in "".join(texts)
    assert not list(Path("checkpoints").glob("*/*.safetensors"))


def test_more_processes_than_groups_of_lanes(folder: Path) -> None:
    launched = launch(folder, *[TRAIN] * 3)
    assert_refused(launched, "3 processes are too many for batches that are computed in 2 groups of lanes", code=2)


def test_other_settings(folder: Path) -> None:
    launched = launch(folder, TRAIN, [*TRAIN, "--clip-norm", "2"])
    assert_refused(launched, "Process 1 of this training has --clip-norm '2.0', and process 0 has '1.0'")
    launched = launch(folder, TRAIN, [*TRAIN, "--dropout", "0.1"])
    assert_refused(launched, "Process 1 of this training has --dropout '0.1', and process 0 has none; start all")


def test_another_version(folder: Path) -> None:
    launched = launch(folder, TRAIN, TRAIN, versions=["0.2.0", "0.1.0"])
    words = "Process 1 of this training has charlm 0.1.0, and process 0 has 0.2.0; start all with the same command"
    assert_refused(launched, words)


def test_what_the_launcher_tells_all_of_them_wrongly_is_told_once(folder: Path) -> None:
    assert_refused(launch(folder, TRAIN, TRAIN, environments=[{"MASTER_PORT": "port"}] * 2), "MASTER_PORT", code=2)


def test_another_text(folder: Path) -> None:
    other = folder / "other"
    other.mkdir()
    (other / "text.txt").write_text(TEXT + "more")
    launched = launch(folder, TRAIN, TRAIN, folders=[folder, other])
    assert_refused(launched, "Process 1 of this training has a text with the SHA-256")


def test_a_folder_that_is_not_shared(folder: Path) -> None:
    other = folder / "other"
    other.mkdir()
    (other / "text.txt").write_text(TEXT)
    launched = launch(folder, TRAIN, TRAIN, folders=[folder, other])
    assert_refused(launched, "Process 1 of this training has in 'checkpoints/text' nothing, and process 0 has a folder")
    assert not (folder / "checkpoints" / "text").exists()


def test_an_error_of_one_process_is_told_by_the_first(folder: Path) -> None:
    other = folder / "other"
    other.mkdir()
    launched = launch(folder, TRAIN, TRAIN, folders=[folder, other])
    assert_refused(launched, "text.txt")
    assert "Error" in launched.texts()[0]


def test_what_all_are_told_alike_is_told_once(folder: Path) -> None:
    launched = launch(folder, *[["train", "missing.txt", *SMALL]] * 2)
    assert_refused(launched, "missing.txt")
    assert_refused(launch(folder, *[[*TRAIN, "--dropout", "2"]] * 2), "--dropout", code=2)
    assert_refused(launch(folder, *[[*TRAIN, "--wrong"]] * 2), "--wrong", code=2)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["list"], "'charlm list' works in one process, and 2 were started"),
        ([*TRAIN, "--model", "ngram"], "An n-gram model is counted by one process"),
        (["train", "-", *SMALL], "Several processes cannot read one standard input"),
    ],
)
def test_what_one_process_does_alone(folder: Path, command: list[str], words: str) -> None:
    if "ngram" in command:
        command = ["train", "text.txt", "--model", "ngram"]
    assert_refused(launch(folder, *[command] * 2), words, code=2)


def test_a_port_in_use(folder: Path) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port = listening.getsockname()[1]
        launched = launch(folder, TRAIN, environments=[{"WORLD_SIZE": "2"}], port=port)
        assert_refused(launched, f"Port {port} of '127.0.0.1' is in use")


@pytest.mark.parametrize(("rank", "words"), [(1, "Process 0 cannot be reached at '127.0.0.1'"), (2, "")])
def test_a_port_at_which_something_else_listens(monkeypatch: pytest.MonkeyPatch, rank: int, words: str) -> None:
    monkeypatch.setattr(joining, "_MEETING", timedelta(seconds=0.1))
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        place = Place(rank=rank, size=3, address=("127.0.0.1", listening.getsockname()[1]))
        with pytest.raises(DistributedError) as raised:
            joining._open_store(place)
    assert str(raised.value)[: len(words) or None] == words


@pytest.mark.slow
def test_torch_says_nothing_beside_the_sentence(folder: Path) -> None:
    variables = {"RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    variables["PYTHONPATH"] = str(PACKAGE)
    command = [sys.executable, "-m", "charlm", *TRAIN]
    done = subprocess.run(command, env=os.environ | variables, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: Process 0 cannot be reached")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"WORLD_SIZE": "two"}, "WORLD_SIZE is 'two', which is no whole number"),
        ({"WORLD_SIZE": "0"}, "WORLD_SIZE is 0"),
        ({"WORLD_SIZE": "2"}, "but there is no RANK and no MASTER_ADDR and no MASTER_PORT"),
        ({"WORLD_SIZE": "2", "RANK": "2", "MASTER_ADDR": "x", "MASTER_PORT": "1"}, "RANK is 2, but WORLD_SIZE is 2"),
        ({"WORLD_SIZE": "2", "RANK": "0", "MASTER_ADDR": "x", "MASTER_PORT": "99999"}, "MASTER_PORT is 99999"),
    ],
)
def test_an_environment_that_contradicts_itself(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variables: dict[str, str],
    words: str,
) -> None:
    for name in ("RANK", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert app.run(TRAIN) == 2
    assert words in capsys.readouterr().err


@pytest.mark.slow
def test_a_process_that_does_not_come(folder: Path) -> None:
    launched = launch(folder, TRAIN, environments=[{"WORLD_SIZE": "2"}])
    assert_refused(launched, "Of 2 processes, number 1 did not come within 15 s")
