import pytest

from charlm.distributed.place import read_place, require_one_process, told_by_first
from charlm.errors import ConfigError

PLACE = {"WORLD_SIZE": "2", "RANK": "1", "MASTER_ADDR": "localhost", "MASTER_PORT": "29500"}


@pytest.fixture
def refusal(monkeypatch):
    """Returns what the second of two processes says, with changes to its variables, of what it is refused."""

    def say(function, *arguments, **changes):
        for name, value in {**PLACE, **changes}.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(ConfigError) as caught, told_by_first():
            function(*arguments)
        return str(caught.value)

    return say


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"WORLD_SIZE": "two"}, "WORLD_SIZE is 'two'"),
        ({"WORLD_SIZE": "-2"}, "WORLD_SIZE is -2"),
        ({"MASTER_PORT": "99999"}, "MASTER_PORT is 99999"),
        ({"MASTER_ADDR": ""}, "WORLD_SIZE is 2, but there is no MASTER_ADDR; start"),
    ],
)
def test_what_all_processes_read_alike_is_told_by_the_first(refusal, changes, words):
    assert refusal(read_place, **changes) == ""
    assert words in refusal(read_place, **changes, RANK="0")


@pytest.mark.parametrize(
    ("rank", "words"),
    [
        ("2", "RANK is 2, but WORLD_SIZE is 2"),
        ("-1", "RANK is -1, but"),
        ("x", "RANK is 'x', which"),
        ("", "there is no RANK"),
    ],
)
def test_a_process_whose_own_number_is_wrong_tells_it(refusal, rank, words):
    assert words in refusal(read_place, RANK=rank)
    assert words in refusal(require_one_process, "charlm list", RANK=rank)


def test_what_works_in_one_process_is_told_by_the_first(refusal):
    assert refusal(require_one_process, "charlm list") == ""
    assert refusal(require_one_process, "charlm list", RANK="0").startswith("'charlm list' works in one process, and 2")
