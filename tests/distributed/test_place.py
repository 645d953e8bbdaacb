import pytest

from charlm.distributed.place import is_first, read_place, require_one_process
from charlm.errors import ConfigError

PLACE = {"WORLD_SIZE": "2", "RANK": "1", "MASTER_ADDR": "localhost", "MASTER_PORT": "29500"}


@pytest.fixture
def launched(monkeypatch):
    """Sets the variables of the second of two processes, with changes."""

    def launch(**changes):
        for name, value in {**PLACE, **changes}.items():
            monkeypatch.setenv(name, value)

    return launch


def refusal(function, *arguments):
    with pytest.raises(ConfigError) as caught:
        function(*arguments)
    return str(caught.value)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"WORLD_SIZE": "two"}, "WORLD_SIZE is 'two'"),
        ({"MASTER_PORT": "99999"}, "MASTER_PORT is 99999"),
        ({"MASTER_ADDR": ""}, "WORLD_SIZE is 2, but there is no MASTER_ADDR; start"),
    ],
)
def test_what_all_processes_read_alike_is_told_by_the_first(launched, changes, words):
    launched(**changes)
    assert refusal(read_place) == ""
    launched(**changes, RANK="0")
    assert words in refusal(read_place)


@pytest.mark.parametrize(
    ("rank", "words"),
    [
        ("2", "RANK is 2, but WORLD_SIZE is 2"),
        ("-1", "RANK is -1, but"),
        ("x", "RANK is 'x', which"),
        ("", "there is no RANK"),
    ],
)
def test_a_process_whose_own_number_is_wrong_tells_it(launched, rank, words):
    launched(RANK=rank)
    assert words in refusal(read_place)
    assert words in refusal(require_one_process, "charlm list")


def test_what_works_in_one_process_is_refused_by_all_and_told_by_the_first(launched):
    launched()
    assert not is_first()
    assert refusal(require_one_process, "charlm list") == ""
    launched(RANK="0")
    assert refusal(require_one_process, "charlm list").startswith("'charlm list' works in one process, and 2 were")
