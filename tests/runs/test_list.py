import json
import zipfile
from pathlib import Path

import pytest

from charlm.checkpointing.locking import is_locked, locked
from charlm.errors import CheckpointError
from charlm.runs.info import describe
from charlm.runs.list import list_all
from charlm.runs.reporting import SilentReporter, StopRequest
from charlm.runs.stored.workspace import Workspace
from charlm.runs.train.resume import resume
from charlm.runs.verify import verify_run
from tests.support.reporters import StopAfter
from tests.support.training_runs import train_whole

OLDER = Path(__file__).parents[1] / "fixtures" / "charlm-0.1.0.zip"


def rows(workspace):
    return {row.name: row for row in list_all(workspace)}


def test_a_finished_run_is_listed_with_its_final_scores(small_request, workspace):
    result = train_whole(small_request(name="mine"), workspace)
    (row,) = list_all(workspace)
    assert (row.name, row.state, row.text, row.model) == ("mine", "finished", "tale", "lstm 2 x 8")
    assert (row.step, row.total_steps, row.parameters, row.problem) == (12, 12, result.parameters, None)
    assert row.validation == result.validation.bits_per_character
    assert row.test == result.test.bits_per_character
    assert json.loads(json.dumps(row.to_json()))["bits_per_character"] == {
        "validation": row.validation,
        "test": row.test,
    }
    facts = describe("mine", workspace).facts
    assert facts["test"] == result.test.to_json() and facts["parameters"] == result.parameters
    assert facts["size_bytes"] == sum(each.stat().st_size for each in result.run.iterdir())


def test_a_better_model_has_no_final_scores_before_its_training_ends(small_request, workspace):
    train_whole(small_request(name="mine"), workspace)
    before = rows(workspace)["mine"]
    stop = StopRequest()
    resume("mine", workspace, StopAfter(stop, 20), stop, overrides={"steps": 24})
    stopped = rows(workspace)["mine"]
    assert (stopped.state, stopped.step, stopped.total_steps) == ("stopped", 20, 24)
    # Its score on the validation text is that of the newer model.
    assert before.test is not None and stopped.test is None and stopped.validation < before.validation
    result = resume("mine", workspace, SilentReporter(), StopRequest())
    assert rows(workspace)["mine"].test == result.test.bits_per_character
    assert verify_run("mine", workspace).is_whole


def test_a_run_whose_lock_a_process_holds_is_training(small_request, workspace):
    run = train_whole(small_request(name="mine"), workspace).run
    assert not is_locked(run)
    with locked(run):
        assert is_locked(run)
        assert rows(workspace)["mine"].state == "training"
    assert rows(workspace)["mine"].state == "finished"


def test_asking_for_a_lock_makes_no_file(tmp_path):
    assert not is_locked(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_run_is_one_row(small_request, workspace):
    whole = train_whole(small_request(name="mine"), workspace).run
    for name in ("cut", "empty", "foreign"):
        (workspace.checkpoints / name).mkdir()
    (workspace.checkpoints / "cut" / "last.safetensors").write_bytes((whole / "last.safetensors").read_bytes()[:-9])
    (workspace.checkpoints / "cut" / "best.safetensors").write_bytes((whole / "best.safetensors").read_bytes())
    (workspace.checkpoints / "empty" / "best.safetensors").touch()
    (workspace.checkpoints / "foreign" / "step-3.safetensors").write_bytes(b"[" * 99)
    (workspace.checkpoints / "loop").symlink_to("loop")
    found = rows(workspace)
    assert {name: row.state for name, row in found.items()} == {
        "mine": "finished",
        "cut": "damaged",
        "empty": "damaged",
        "foreign": "damaged",
    }
    # What is whole of a damaged run is still shown.
    assert found["cut"].model == "lstm 2 x 8"
    assert all(row.problem for row in found.values() if row.state == "damaged")


def test_a_run_without_a_checkpoint_is_stopped_at_its_beginning(workspace):
    (workspace.checkpoints / "begun").mkdir(parents=True)
    (workspace.checkpoints / "begun" / "config.toml").touch()
    (row,) = list_all(workspace)
    assert (row.name, row.state, row.step) == ("begun", "stopped", 0)


def test_older_runs_and_those_of_comparisons_are_listed(tmp_path):
    with zipfile.ZipFile(OLDER) as archive:
        archive.extractall(tmp_path)
    found = rows(Workspace(tmp_path))
    assert {"grid/mlp-4-1", "grid/ngram-3", "grid/rnn-1", "lstm", "unsplit"} <= found.keys()
    assert "grid" not in found
    assert not any(row.problem for row in found.values())
    assert (found["interrupted"].state, found["interrupted"].step) == ("stopped", 5)
    assert found["interrupted-early"].validation is None
    assert found["ngram"].parameters == 1943
    # A score of the mix that was dropped is not the network's.
    assert found["trial-lost"].validation is None and found["trial-won"].validation is not None
    for name in ("lstm", "mixed", "ngram", "pieces", "grid/rnn-1"):
        assert describe(name, Workspace(tmp_path)).facts["parameters"] == found[name].parameters


def test_the_newest_run_comes_first(tmp_path):
    with zipfile.ZipFile(OLDER) as archive:
        archive.extractall(tmp_path)
    dates = [row.date for row in list_all(Workspace(tmp_path))]
    assert dates == sorted(dates, reverse=True)


def test_a_checkpoint_that_lies_alone_is_described(small_request, workspace, tmp_path):
    result = train_whole(small_request(name="mine"), workspace)
    alone = (result.run / "best.safetensors").rename(tmp_path / "sent.safetensors")
    description = describe(str(alone), workspace)
    assert description.facts["test"] == result.test.to_json()
    assert description.facts["parameters"] == result.parameters
    assert "go on with" not in str(description.rows)
    alone.write_bytes(alone.read_bytes()[:-1])
    with pytest.raises(CheckpointError, match="damaged"):
        describe(str(alone), workspace)
