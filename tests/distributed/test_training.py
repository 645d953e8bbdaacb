"""Trainings by two processes, which have to be those of one to the bit."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.distributed import TCPStore

from charlm.checkpointing.checkpoint import read_checkpoint
from charlm.checkpointing.run_folder import RunFolder
from charlm.cli import app
from charlm.runs.stored.state import read_state
from tests.support.launched import Launched, launch

TAGGED = "".join(f"line\tO\n{number}\t{'EVEN' if number % 2 == 0 else 'ODD'}\n\n" for number in range(100))
TEXT = "".join(f"line {number}: {number * number} is the square of {number}.\n" for number in range(200))
SMALL = ["--hidden-size", "8", "--num-layers", "2", "--batch-size", "5", "--sequence-length", "16", "--quiet"]
SMALL += ["--embedding-size", "6", "--evaluations", "2", "--device", "cpu", "--threads", "1"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "text.txt").write_text(TEXT)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def bits(run: str, file: str) -> dict[str, tuple[torch.dtype, torch.Size, bytes]]:
    tensors = read_checkpoint(Path("checkpoints") / run / file).tensors
    return {name: (each.dtype, each.shape, each.numpy().tobytes()) for name, each in tensors.items()}


def metrics(run: str) -> list[dict[str, Any]]:
    lines = Path("checkpoints", run, "metrics.jsonl").read_text().splitlines()
    return [{key: value for key, value in json.loads(line).items() if key != "seconds"} for line in lines]


def assert_same(one: str, other: str) -> None:
    for file in ("best.safetensors", "last.safetensors"):
        assert bits(one, file) == bits(other, file)
    assert metrics(one) == metrics(other)


@pytest.mark.parametrize(
    "options",
    [
        ["--task", "tag", "--dropout", "0.2"],
        ["--dropout", "0.2", "--average", "0.9", "--accumulation", "3", "--lane-groups", "2"],
        ["--records", "lines", "--rollbacks", "1", "--mix", "ngram:3"],
    ],
    ids=["tag", "dropout, averaging, accumulation", "records, mixing"],
)
def test_two_processes_train_what_one_trains(folder: Path, options: list[str]) -> None:
    if "tag" in options:
        (folder / "text.txt").write_text(TAGGED)
    command = ["train", "text.txt", "--steps", "12", *SMALL, *options]
    assert app.run([*command, "--name", "one"]) == 0
    launched = launch(folder, *[[*command, "--name", "two"]] * 2)
    assert launched.codes() == [0, 0], launched.texts()
    assert_same("one", "two")
    first, second = launched.texts()
    assert "validation" in first
    assert second == ""


def test_any_number_of_processes_goes_on_with_a_run(folder: Path) -> None:
    command = ["train", "text.txt", *SMALL, "--dropout", "0.2", "--lane-groups", "3", "--records", "lines"]
    assert app.run([*command, "--name", "whole", "--steps", "12"]) == 0
    assert app.run([*command, "--name", "parts", "--steps", "12", "--save-every", "0.001s"]) == 0
    state = sorted(Path("checkpoints/parts").glob("step-*.safetensors"))[0]
    assert launch(folder, *[["train", "--resume", str(state), "--quiet"]] * 3).codes() == [0, 0, 0]
    assert_same("whole", "parts")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_to_any_process_saves_once_and_ends_all(folder: Path, number: int, code: int) -> None:
    launched = launch(folder, *[LONG] * 2)
    wait_for_lines(launched, 3)
    send(launched, 1, number)
    assert launched.codes() == [code, code], launched.texts()
    first, second = launched.texts()
    assert "everything is saved" in first
    assert second == ""
    assert read_state(RunFolder(Path("checkpoints/long")), Path("checkpoints/long/last.safetensors")).record.step > 1


@pytest.mark.parametrize("rank", [0, 1])
def test_when_a_process_is_killed_the_other_ends_with_a_sentence_and_the_state_stays(folder: Path, rank: int) -> None:
    launched = launch(folder, *[LONG] * 2)
    wait_for_lines(launched, 3)
    send(launched, rank, signal.SIGKILL)
    codes, texts = launched.codes(), launched.texts()
    assert (codes[rank], codes[1 - rank]) == (-signal.SIGKILL, 1)
    assert texts[1 - rank].count("Error: Another process of this training has ended") == 1
    read_state(RunFolder(Path("checkpoints/long")), Path("checkpoints/long/last.safetensors"))


@pytest.mark.slow
def test_a_launcher_that_starts_the_processes_again_goes_on_with_their_run(folder: Path) -> None:
    store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)

    def attempt(number: int, command: list[str]) -> Launched:
        variables = {"TORCHELASTIC_USE_AGENT_STORE": "True", "TORCHELASTIC_RESTART_COUNT": str(number)}
        return launch(folder, *[command] * 2, environments=[variables] * 2, port=store.port)

    command = ["train", "text.txt", *SMALL, "--steps", "150", "--save-every", "0.1s", "--keep", "0"]
    first = attempt(0, command)
    wait_for_lines(first, 10, run="text")
    send(first, 0, signal.SIGKILL)
    assert first.codes() == [-signal.SIGKILL, 1]
    assert attempt(1, command).codes() == [0, 0]
    assert [path.name for path in Path("checkpoints").iterdir()] == ["text"]
    assert app.run([*command, "--name", "whole"]) == 0
    assert_same("text", "whole")


LONG = ["train", "text.txt", "--steps", "1000000", *SMALL, "--name", "long", "--save-every", "0.1s"]
LONG[LONG.index("--evaluations") + 1] = "100000"


def wait_for_lines(launched: Launched, number: int, run: str = "long") -> None:
    path = Path("checkpoints", run, "metrics.jsonl")
    while not path.exists() or len(path.read_text().splitlines()) < number:
        launched.processes[0].join(0.02)
        assert launched.processes[0].is_alive(), launched.texts()


def send(launched: Launched, rank: int, number: int) -> None:
    pid = launched.processes[rank].pid
    assert pid is not None
    os.kill(pid, number)
