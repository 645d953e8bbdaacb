from pathlib import Path

import pytest

from charlm.config import Request, by_section, make_request
from charlm.runs.stored.workspace import Workspace
from tests.support.tale import write_tale


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


@pytest.fixture
def text(tmp_path: Path) -> Path:
    return write_tale(tmp_path / "tale.txt")


@pytest.fixture
def small_request(text: Path):
    """A function that makes the request for a training of a second or less."""

    def make(**settings: object) -> Request:
        defaults = {
            "corpus": (str(text),),
            "hidden_size": 8,
            "embedding_size": 4,
            "batch_size": 4,
            "sequence_length": 16,
            "steps": 12,
            "evaluations": 3,
            "precision": "fp32",
            "device": "cpu",
        }
        return make_request(by_section(defaults | settings))

    return make
