import pytest

from charlm.checkpointing.locking import locked
from charlm.checkpointing.new_run import created_run, require_free
from charlm.checkpointing.run_folder import RunFolder, find_run, list_runs
from charlm.errors import CheckpointError


def make(checkpoints, **names):
    with created_run(checkpoints, **{"name": None, "default_name": "tale"} | names) as folder:
        folder.best.write_text("")
    return folder.name


def test_runs_without_a_name_are_numbered(tmp_path):
    assert [make(tmp_path) for _ in range(3)] == ["tale", "tale-2", "tale-3"]


def test_a_name_that_is_taken_is_refused(tmp_path):
    make(tmp_path, name="mine")
    with pytest.raises(CheckpointError, match="go on with it: charlm train --resume mine"):
        make(tmp_path, name="mine")


def test_a_run_that_fails_before_it_is_one_leaves_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError), created_run(tmp_path, name="mine", default_name="") as folder:
        folder.tokenizer_file.write_text("{}")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_fails_later_stays(tmp_path):
    with pytest.raises(ZeroDivisionError), created_run(tmp_path, name="mine", default_name="") as folder:
        folder.last.write_text("")
        raise ZeroDivisionError
    assert folder.last.exists()


@pytest.mark.parametrize("name", ["best.safetensors", "last.safetensors", "step-7.safetensors"])
def test_a_folder_with_a_checkpoint_and_nothing_else_is_a_run(tmp_path, name):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / name).write_text("a model")
    assert list_runs(tmp_path) == ["mine"]
    assert find_run("mine", tmp_path) == RunFolder(tmp_path / "mine")
    with pytest.raises(CheckpointError, match="exists already"):
        make(tmp_path, name="mine")
    assert make(tmp_path, default_name="mine") == "mine-2"
    assert (tmp_path / "mine" / name).read_text() == "a model"


@pytest.mark.parametrize("name", ["", "mine"])
def test_a_folder_of_several_runs_is_answered_with_the_path_of_one(tmp_path, name):
    make(tmp_path / name, name="one")
    with pytest.raises(CheckpointError, match=rf"name one of them, such as {name and 'mine/'}one$"):
        find_run(name, tmp_path)


def test_what_a_killed_process_began_is_taken_over(tmp_path):
    (tmp_path / "mine").mkdir()
    for name in (".lock", ".tmp-last.safetensors-ab12", "tokenizer.json", "config.toml", "metrics.jsonl"):
        (tmp_path / "mine" / name).write_text("half")
    require_free(tmp_path, "mine")
    with created_run(tmp_path, name="mine", default_name="") as folder:
        assert {path.name for path in folder.path.iterdir()} == {".lock"}


def test_a_folder_with_anything_else_in_it_is_not_taken_over(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(CheckpointError, match="exists already"):
        make(tmp_path, name="mine")
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"


def test_a_beginning_that_is_still_at_work_is_left_alone(tmp_path):
    (tmp_path / "tale").mkdir()
    with locked(tmp_path / "tale"):
        assert make(tmp_path) == "tale-2"
