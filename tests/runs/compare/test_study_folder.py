from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from charlm.config import RunConfig
from charlm.errors import ConfigError
from charlm.runs.compare.study_folder import StudyFolder


def fail() -> RunConfig:
    raise ConfigError("The space is empty.")


def test_a_study_whose_plan_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path / "mine", {})
    for _ in range(2):
        with pytest.raises(ConfigError, match="The space is empty"):
            folder.begin(fail)
        assert not folder.path.exists()


def test_who_waits_while_another_removes_the_folder_makes_it_again(tmp_path: Path) -> None:
    together = Barrier(4)

    def begin(number: int) -> str:
        together.wait()
        try:
            StudyFolder(tmp_path / "mine", {}).begin(fail)
        except Exception as error:
            return str(error)
        return "begun"

    with ThreadPoolExecutor(4) as pool:
        for _ in range(5):
            assert set(pool.map(begin, range(4))) == {"The space is empty."}
