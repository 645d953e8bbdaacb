"""How much there is to know of the house: rooms, floors and arrows in charlm/runs, and lines in a module."""

from pathlib import Path

import grimp
import pytest

import charlm

PACKAGE = Path(charlm.__file__).parent


@pytest.fixture(scope="module")
def arrows() -> set[tuple[str, str]]:
    """Which room of charlm/runs imports which: its files and folders, each counted once."""
    graph = grimp.build_graph("charlm")
    rooms = sorted(graph.find_children("charlm.runs"))
    return {
        (one, other)
        for one in rooms
        for other in rooms
        if one != other and graph.direct_import_exists(importer=one, imported=other, as_packages=True)
    }


def floor_of(room: str, arrows: set[tuple[str, str]]) -> int:
    return 1 + max((floor_of(below, arrows) for above, below in arrows if above == room), default=0)


def test_runs_has_few_rooms_on_few_floors_with_few_arrows(arrows: set[tuple[str, str]]) -> None:
    rooms = {room for arrow in arrows for room in arrow}
    assert len(rooms) <= 17
    assert max(floor_of(room, arrows) for room in rooms) <= 5
    assert len(arrows) < 40


def test_no_module_is_longer_than_three_hundred_lines() -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in PACKAGE.rglob("*.py")}
    assert {str(path): length for path, length in lengths.items() if length > 300} == {}
