"""A training of each task, killed where the disk is touched: the end is the same, byte for byte."""

import shutil
from pathlib import Path

import pytest

from charlm.checkpointing.checkpoint import read_checkpoint
from tests.support.faulty_runs import RESUME, FaultyRuns
from tests.support.names import write_names

SIZES = (
    *("--name", "one", "--steps", "24", "--evaluations", "4", "--hidden-size", "8", "--embedding-size", "4", "--quiet"),
    *("--num-layers", "1", "--batch-size", "4", "--device", "cpu", "--precision", "fp32", "--threads", "1"),
    *("--dropout", "0.1", "--average", "0.9", "--keep", "1"),
)
TASKS = {
    "classify": ("names.tsv", "--task", "classify"),
    "generate": ("names.tsv", "--task", "generate", "--swap"),
    "transduce": ("names.tsv", "--task", "transduce"),
    "tag": ("columns.tsv", "--task", "tag"),
}


def prepared(runs: FaultyRuns) -> Path:
    folder = runs.folder()
    names = write_names(folder / "names.tsv").read_text().splitlines()
    rows = (f"{name}\tB-{label}\n.\tO\n\n" for name, label in (line.split("\t") for line in names))
    (folder / "columns.tsv").write_text("".join(rows))
    return folder


def end_of(runs: FaultyRuns, folder: Path) -> dict[str, bytes]:
    run = folder / "checkpoints" / "one"
    verified = runs.runner.run(folder, "verify", "one")
    assert verified.code == 0, verified.output
    return {
        f"{name}:{key}": tensor.numpy().tobytes()
        for name in ("best.safetensors", "last.safetensors")
        for key, tensor in read_checkpoint(run / name).tensors.items()
    }


def kill_at(runs: FaultyRuns, task: str, distance: int) -> None:
    """Kills trainings at events that lie so far apart, goes on with them, and compares their ends."""
    train = ("train", *TASKS[task], *SIZES)
    folder = prepared(runs)
    whole = runs.runner.run(folder, *train)
    assert whole.code == 0, whole.output
    expected = end_of(runs, folder)
    shutil.rmtree(folder)
    for number in range(3, len(whole.events), distance):
        folder = prepared(runs)
        assert runs.runner.run(folder, *train, faults={number: "SIGKILL"}).code == -9
        has_begun = (folder / "checkpoints" / "one" / "last.safetensors").exists()
        ended = runs.runner.run(folder, *(RESUME if has_begun else train))
        assert ended.code == 0 or "is finished" in ended.output, ended.output
        assert end_of(runs, folder) == expected, f"killed at {number}: {whole.events[number]}"
        shutil.rmtree(folder)


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_killed_at_some_points(runs: FaultyRuns, task: str) -> None:
    kill_at(runs, task, 61)


@pytest.mark.torture
@pytest.mark.parametrize("task", TASKS)
def test_killed_at_many_points(runs: FaultyRuns, task: str) -> None:
    kill_at(runs, task, 7)
