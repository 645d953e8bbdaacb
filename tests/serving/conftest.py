"""Small runs of every kind, and servers of them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from charlm.runs.stored.workspace import Workspace
from tests.support.served import Served, serve, train
from tests.support.tale import write_tale

NAMES = "".join(f"{first}{middle}{last}\n" for first in "abcd" for middle in "aeo" for last in ("n", "lin", "ra"))


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace with a run of every kind."""
    pytest.importorskip("starlette", reason="needs the extra `serve`")
    pytest.importorskip("uvicorn", reason="needs the extra `serve`")
    folder = tmp_path_factory.mktemp("serving")
    tale = write_tale(folder / "tale.txt")
    (folder / "names.txt").write_text(NAMES)
    workspace = Workspace(folder)
    train(workspace, tale, name="net", num_layers=2)
    train(workspace, tale, name="mixed", mix="ngram:3")
    train(workspace, tale, name="counts", model="ngram", order=4)
    train(workspace, tale, name="bytes", tokenizer="byte", cell="gru")
    train(workspace, folder / "names.txt", name="names", records="lines")
    return workspace


@pytest.fixture(scope="session")
def tale(place: Workspace) -> str:
    return Path(place.data.parent / "tale.txt").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def served(place: Workspace) -> Iterator[Served]:
    """A server of the run `net`."""
    with serve(["net"], place) as server:
        yield server


@pytest.fixture(scope="session")
def all_kinds(place: Workspace) -> Iterator[Served]:
    """A server of all runs."""
    with serve(["net", "mixed", "counts", "bytes", "names"], place) as server:
        yield server
