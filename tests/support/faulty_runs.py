"""One small training, done again and again in folders of its own, and what its end is compared by."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from charlm.checkpointing.checkpoint import read_checkpoint
from tests.support.processes import ProcessRunner
from tests.support.tale import write_tale

TRAIN = (
    *("train", "tale.txt", "--name", "one", "--steps", "24", "--evaluations", "4", "--hidden-size", "8", "--quiet"),
    *("--embedding-size", "4", "--batch-size", "4", "--sequence-length", "16", "--device", "cpu"),
    *("--precision", "fp32", "--threads", "1", "--dropout", "0.1", "--average", "0.9"),
    *("--mix", "ngram:3", "--keep", "1"),
)
RESUME = ("train", "--resume", "one", "--quiet")


class FaultyRuns:
    """Folders in which the same training is done again and again."""

    train, resume = TRAIN, RESUME

    def __init__(self, root: Path, runner: ProcessRunner) -> None:
        self.root = root
        self.runner = runner
        self._number = 0
        self.usual_megabytes = runner.run(self.folder(), *TRAIN).megabytes

    def folder(self) -> Path:
        """Returns a new folder with the text in it."""
        self._number += 1
        folder = self.root / str(self._number)
        folder.mkdir()
        write_tale(folder / "tale.txt")
        return folder

    def another_runner(self) -> ProcessRunner:
        """Returns a runner for a second process at the same time, to be closed."""
        scratch = self.root / "another"
        scratch.mkdir(exist_ok=True)
        return ProcessRunner(scratch, self.runner.cases)

    def finish(self, folder: Path) -> None:
        """Brings the training in a folder to its end, as a user would."""
        run = folder / "checkpoints" / "one"
        ended = self.runner.run(folder, *(RESUME if (run / "last.safetensors").exists() else TRAIN))
        if ended.code == 2:
            assert "is finished" in ended.output, ended.output
        else:
            assert ended.code == 0, ended.output

    def state(self, folder: Path) -> dict[str, Any]:
        """Returns everything that must not hang on how often a training was stopped."""
        run = folder / "checkpoints" / "one"
        state: dict[str, Any] = {}
        for name in ("best.safetensors", "last.safetensors"):
            checkpoint = read_checkpoint(run / name)
            for key, tensor in checkpoint.tensors.items():
                state[f"{name}:{key}"] = tensor.numpy().tobytes()
            values = dict(checkpoint.values)
            values["progress"] = values.get("progress", {}) | {"seconds": None}
            values["provenance"]["identity"] = None
            state[f"{name}:values"] = values
        lines = [json.loads(line) for line in (run / "metrics.jsonl").read_bytes().decode().splitlines()]
        state["metrics"] = [line | {"seconds": None} for line in lines]
        sampled = self.runner.run(folder, "sample", "one", "--seed", "1", "--length", "60")
        assert sampled.code == 0, sampled.output
        state["sample"] = sampled.output
        verified = self.runner.run(folder, "verify", "one")
        assert verified.code == 0, verified.output
        leftovers = [path.name for path in run.iterdir() if path.name.startswith(".tmp-")]
        assert leftovers == []
        return state


@dataclass(frozen=True)
class Whole:
    """A training that nothing happened to."""

    state: dict[str, Any]
    events: tuple[str, ...]
