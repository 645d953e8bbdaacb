import shutil
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

import charlm.runs.compare.study_folder as study_module
from charlm.checkpointing.locking import locked
from charlm.config import RunConfig
from charlm.errors import CheckpointError, ConfigError
from charlm.runs.compare.study_folder import StudyFolder


def fail() -> RunConfig:
    raise ConfigError("The space is empty.")


def test_a_study_whose_plan_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path / "mine", {})
    for _ in range(2):
        with pytest.raises(ConfigError, match="The space is empty"):
            folder.begin(fail)
        assert not folder.path.exists()


def test_a_folder_that_another_process_removes_before_it_is_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    removed = []

    def remove_once(folder: Path, **options: float) -> AbstractContextManager[None]:
        if not removed:
            shutil.rmtree(folder)
            removed.append(folder)
        return locked(folder, **options)

    monkeypatch.setattr(study_module, "locked", remove_once)
    with pytest.raises(ConfigError, match="The space is empty"):
        StudyFolder(tmp_path / "mine", {}).begin(fail)
    assert removed == [tmp_path / "mine"]


def test_a_folder_that_another_process_removes_while_it_is_made_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, is_dir, removed = tmp_path / "mine", Path.is_dir, []
    folder.mkdir()

    def remove_once(path: Path, **options: bool) -> bool:
        # mkdir has found that something of that name exists, and looks whether it is a folder.
        if path == folder and not removed:
            folder.rmdir()
            removed.append(folder)
        return is_dir(path, **options)

    monkeypatch.setattr(Path, "is_dir", remove_once)
    with pytest.raises(ConfigError, match="The space is empty"):
        StudyFolder(folder, {}).begin(fail)
    assert removed == [folder]


def test_what_is_in_the_way_of_a_study_stays(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("notes")
    with pytest.raises(CheckpointError, match="mine"):
        StudyFolder(tmp_path / "mine", {}).begin(fail)
    assert (tmp_path / "mine").read_text() == "notes"
