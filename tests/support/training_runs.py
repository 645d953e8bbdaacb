"""Training runs in silence, and what two of them must have in common."""

import json
from pathlib import Path
from typing import Any

import torch

from charlm.checkpointing.checkpoint import read_checkpoint
from charlm.config import Request, by_section, make_request
from charlm.runs.reporting import SilentReporter, StopRequest
from charlm.runs.stored.workspace import Workspace
from charlm.runs.train.result import TrainResult
from charlm.runs.train.start import start

SMALL = {
    "hidden_size": 8,
    "embedding_size": 4,
    "batch_size": 4,
    "sequence_length": 16,
    "steps": 12,
    "evaluations": 3,
    "precision": "fp32",
    "device": "cpu",
}
"""Settings of a training of a second or less."""


def request_of(text: Path, **settings: object) -> Request:
    """Returns the request for a training of a second or less."""
    return make_request(by_section(SMALL | {"corpus": (str(text),)} | settings))


def train_whole(request: Request, workspace: Workspace, **options: Any) -> TrainResult:
    """Trains a run to its end, in silence."""
    return start(request, workspace, SilentReporter(), StopRequest(), **options)


def metrics_without_times(run: Path) -> list[dict[str, Any]]:
    """Returns the lines of a run's metrics, but for the times."""
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if key != "seconds"} for line in lines]


def assert_same_end(one: Path, other: Path) -> None:
    """Asserts that two runs end alike, to the last bit of every tensor; times, names and identities may differ."""
    for name in ("best.safetensors", "last.safetensors"):
        first, second = read_checkpoint(one / name), read_checkpoint(other / name)
        assert first.tensors.keys() == second.tensors.keys()
        for key, tensor in first.tensors.items():
            assert torch.equal(tensor, second.tensors[key]), f"{name}: {key}"
    assert _values_without_times(one) == _values_without_times(other)
    assert metrics_without_times(one) == metrics_without_times(other)


def _values_without_times(run: Path) -> dict[str, Any]:
    values = dict(read_checkpoint(run / "last.safetensors").values)
    values["progress"] = {key: value for key, value in values["progress"].items() if key != "seconds"}
    values["config"]["run"].pop("name")
    values["provenance"].pop("identity")
    return values
