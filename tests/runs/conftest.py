from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from charlm.config import Request
from charlm.runs.stored.workspace import Workspace
from tests.support.names import write_names
from tests.support.tale import write_tale
from tests.support.training_runs import request_of


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


@pytest.fixture
def text(tmp_path: Path) -> Path:
    return write_tale(tmp_path / "tale.txt")


@pytest.fixture
def small_request(text: Path) -> Callable[..., Request]:
    """A function that makes the request for a training of a second or less."""
    return partial(request_of, text)


@pytest.fixture
def names(tmp_path: Path) -> Path:
    """Made-up names whose ending tells their language."""
    return write_names(tmp_path / "names.tsv")


@pytest.fixture
def spellings(tmp_path: Path) -> Path:
    """Words and their letters one by one in capitals."""
    path = tmp_path / "spellings.tsv"
    words = (f"{a}{b}{c}" for a in "abcd" for b in "abcd" for c in ("", "a", "bc", "dab"))
    path.write_text("".join(f"{word}\t{' '.join(word.upper())}\n" for word in words))
    return path
