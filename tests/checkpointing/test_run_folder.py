import pytest

from charlm.checkpointing.locking import locked
from charlm.checkpointing.run_folder import (
    RunFolder,
    created_run,
    find_run,
    find_state,
    list_runs,
    load_config,
    require_free,
)
from charlm.errors import CheckpointError, ConfigError


def make(checkpoints, **names):
    with created_run(checkpoints, **{"name": None, "default_name": "tale"} | names) as folder:
        folder.best.write_text("")
    return folder.name


def states_of(folder, *steps):
    for step in steps:
        folder.state_after(step).write_text(str(step))
    return folder


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


def test_the_last_state_outlasts_its_replacement(tmp_path):
    folder = RunFolder(tmp_path)
    folder.last.write_text("30")
    folder.keep_last(30)
    folder.keep_last(30)
    folder.last.unlink()
    assert folder.state_after(30).read_text() == "30"


def test_only_the_newest_states_from_before_the_last_are_kept(tmp_path):
    folder = states_of(RunFolder(tmp_path), 10, 9, 100, 20, 300)
    assert list(folder.states()) == [300, 100, 20, 10, 9]
    folder.prune_states(before=200, keep=2)
    assert list(folder.states()) == [100, 20]
    folder.prune_states(before=200, keep=0)
    assert list(folder.states()) == []


def test_a_state_is_found_by_its_file_and_a_run_by_its_last(tmp_path):
    folder = RunFolder(tmp_path / "mine")
    folder.path.mkdir()
    folder.last.write_text("")
    states_of(folder, 10)
    assert find_state("mine", tmp_path) == (folder, folder.last)
    assert find_state(str(folder.state_after(10)), tmp_path) == (folder, folder.state_after(10))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"[" * 100_000, "is not TOML"),
        (b"a = 1\n" * 400_000, "has more than 1,048,576 bytes"),
        (b"\xff\xfe", "is not UTF-8"),
        (b"a." * 100_000 + b"b = 1", "more than 1,000 dots"),
        (b"seed = " + b"9" * 100_000, "is not TOML"),
        (b".".join([b"a"] * 900) + b" = 1", "nested more than 50 deep"),
        (b"[data]\ncorpus = 'x'", "corpus"),
    ],
)
def test_settings_that_are_none_are_refused_in_a_sentence(tmp_path, content, sentence):
    path = tmp_path / "config.toml"
    path.write_bytes(content)
    with pytest.raises((CheckpointError, ConfigError), match=sentence):
        load_config(path)
