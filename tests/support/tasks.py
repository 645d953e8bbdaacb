"""Trainings of tasks that take a second or less, and what they are asked with."""

from pathlib import Path

from charlm.config import Request, by_section, make_request
from charlm.runs.evaluate.accuracy import accuracy
from charlm.runs.evaluate.choice import TextChoice
from charlm.runs.evaluate.measured import Measured
from charlm.runs.reporting import SilentReporter
from charlm.runs.stored.workspace import Workspace

SMALL = {
    "hidden_size": 8,
    "embedding_size": 4,
    "num_layers": 1,
    "batch_size": 16,
    "steps": 120,
    "evaluations": 3,
    "precision": "fp32",
    "device": "cpu",
    "threads": 1,
}

WITHOUT_SIZES = {
    name: value for name, value in SMALL.items() if name not in ("hidden_size", "embedding_size", "num_layers")
}


class Warnings(SilentReporter):
    """Keeps warnings."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, message: str) -> None:
        self.warnings.append(message)


def request(path: Path, **settings: object) -> Request:
    """Returns the request for a small training on examples, to classify them if nothing else is asked for."""
    return make_request(by_section({**SMALL, "corpus": (str(path),), "task": "classify", **settings}))


def measure(run: str, workspace: Workspace, *files: Path) -> Measured:
    """Returns how good a run is on files, or on its own held-out examples."""
    return accuracy(run, TextChoice(tuple(map(str, files))), workspace, SilentReporter()).measured
