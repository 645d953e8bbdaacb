"""Trainings by two processes, which have to be those of one to the bit."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from charlm.checkpointing.checkpoint import read_checkpoint
from charlm.cli import app
from tests.support.launched import launch

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
        ["--dropout", "0.2", "--average", "0.9", "--accumulation", "3", "--lane-groups", "2"],
        ["--records", "lines", "--rollbacks", "1", "--mix", "ngram:3"],
    ],
    ids=["dropout, averaging, accumulation", "records, mixing"],
)
def test_two_processes_train_what_one_trains(folder: Path, options: list[str]) -> None:
    command = ["train", "text.txt", "--steps", "12", *SMALL, *options]
    assert app.run([*command, "--name", "one"]) == 0
    launched = launch(folder, *[[*command, "--name", "two"]] * 2)
    assert launched.codes() == [0, 0], launched.texts()
    assert_same("one", "two")
    first, second = launched.texts()
    assert "validation" in first
    assert second == ""
