"""Processes that meet with a mishap, and what a run is compared by."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from charlm.checkpointing.checkpoint import read_checkpoint

TRAIN = (
    *("train", "tale.txt", "--name", "one", "--steps", "24", "--evaluations", "4", "--hidden-size", "8", "--quiet"),
    *(
        "--embedding-size",
        "4",
        "--batch-size",
        "4",
        "--sequence-length",
        "16",
        "--device",
        "cpu",
        "--precision",
        "fp32",
    ),
    *("--threads", "1", "--dropout", "0.1", "--average", "0.9", "--mix", "ngram:3", "--keep", "1"),
)
RESUME = ("train", "--resume", "one", "--quiet")


@dataclass(frozen=True)
class Ended:
    """How a process ended.

    Attributes:
        code: its exit code, negative for a signal.
        output: what it printed.
        events: what it did to the disk.
        megabytes: the most memory that it took.
    """

    code: int
    output: str
    events: tuple[str, ...]
    megabytes: int


class Nursery:
    """A process that runs charlm again and again without importing it again."""

    def __init__(self, scratch: Path) -> None:
        self._output, self._events = scratch / "output", scratch / "events"
        environment = os.environ | {"OMP_NUM_THREADS": "1", "TERM": "dumb", "NO_PROXY": "127.0.0.1"}
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("nursery.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def run(self, folder: Path, *arguments: str, kill_after: tuple[float, str] | None = None, **order: Any) -> Ended:
        """Runs a command in a folder.

        Args:
            kill_after: seconds after which the process gets a signal, by name.
            order: what else nursery.py is told.
        """
        assert self._process.stdin is not None and self._process.stdout is not None
        paths = {"folder": str(folder), "output": str(self._output), "events": str(self._events)}
        self._events.unlink(missing_ok=True)
        self._process.stdin.write(json.dumps({"arguments": arguments, **paths, **order}) + "\n")
        self._process.stdin.flush()
        process = int(self._process.stdout.readline())
        timer = None
        if kill_after is not None:
            seconds, name = kill_after
            timer = threading.Timer(seconds, _send, (process, getattr(signal, name)))
            timer.start()
        code, memory = map(int, self._process.stdout.readline().split())
        if timer is not None:
            timer.cancel()
        events = self._events.read_text().splitlines() if self._events.exists() else ()
        return Ended(code, self._output.read_text(errors="replace"), tuple(events), memory >> 10)

    def events_so_far(self) -> list[str]:
        """Returns what the running process has done to the disk by now."""
        return self._events.read_text().splitlines() if self._events.exists() else []

    def close(self) -> None:
        """Ends the process."""
        self._process.communicate()


def _send(process: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(process, number)


@pytest.fixture(scope="session")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    nursery = Nursery(tmp_path_factory.mktemp("nursery"))
    yield nursery
    nursery.close()


class Playground:
    """Folders in which the same training is done again and again."""

    train, resume = TRAIN, RESUME

    def __init__(self, root: Path, nursery: Nursery) -> None:
        self.root = root
        self.nursery = nursery
        self._number = 0
        folder = self.folder()
        self.usual_megabytes = nursery.run(folder, *TRAIN).megabytes

    def folder(self) -> Path:
        """Returns a new folder with the text in it."""
        self._number += 1
        folder = self.root / str(self._number)
        folder.mkdir()
        (folder / "tale.txt").write_text("".join(SENTENCES[(7 * n * n + n // 3) % 3] for n in range(150)))
        return folder

    def another_nursery(self) -> Nursery:
        """Returns a nursery for a second process at the same time, to be closed."""
        scratch = self.root / "another"
        scratch.mkdir(exist_ok=True)
        return Nursery(scratch)

    def finish(self, folder: Path) -> None:
        """Brings the training in a folder to its end, as a user would."""
        run = folder / "checkpoints" / "one"
        ended = self.nursery.run(folder, *(RESUME if (run / "config.toml").exists() else TRAIN))
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
            state[f"{name}:values"] = values
        lines = [json.loads(line) for line in (run / "metrics.jsonl").read_bytes().decode().splitlines()]
        state["metrics"] = [line | {"seconds": None} for line in lines]
        sampled = self.nursery.run(folder, "sample", "one", "--seed", "1", "--length", "60")
        assert sampled.code == 0, sampled.output
        state["sample"] = sampled.output
        verified = self.nursery.run(folder, "verify", "one")
        assert verified.code == 0, verified.output
        leftovers = [path.name for path in run.iterdir() if path.name.startswith(".tmp-")]
        assert leftovers == []
        return state


SENTENCES = ["the cat sat on the mat. ", "a dog ran to the man. ", "we saw ten red hens in a pen. "]


@pytest.fixture(scope="session")
def playground(tmp_path_factory: pytest.TempPathFactory, nursery: Nursery) -> Playground:
    return Playground(tmp_path_factory.mktemp("playground"), nursery)


@dataclass(frozen=True)
class Whole:
    """A training that nothing happened to."""

    state: dict[str, Any]
    events: tuple[str, ...]


@pytest.fixture(scope="session")
def whole(playground: Playground) -> Whole:
    folder = playground.folder()
    ended = playground.nursery.run(folder, *TRAIN)
    assert ended.code == 0, ended.output
    return Whole(playground.state(folder), ended.events)
