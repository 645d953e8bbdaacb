from pathlib import Path

import pytest

from charlm.config import Request, by_section, make_request
from charlm.runs.stored.workspace import Workspace
from tests.support.tale import write_tale
from tests.support.training_runs import SMALL


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
        return make_request(by_section(SMALL | {"corpus": (str(text),)} | settings))

    return make
