import pytest

from charlm.checkpointing.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from charlm.runs.info import describe
from charlm.runs.list import list_all
from charlm.runs.reporting import SilentReporter, StopRequest
from charlm.runs.stored.record import ModelRecord, read_record
from charlm.runs.train.start import start


@pytest.fixture
def run(small_request, workspace):
    return start(small_request(name="mine"), workspace, SilentReporter(), StopRequest())


def test_info_describes_the_run(run, workspace):
    description = describe("mine", workspace)
    facts = description.to_json()
    assert (facts["run"], facts["step"], facts["total_steps"], facts["finished"]) == ("mine", 12, 12, True)
    assert facts["parameters"] == run.parameters
    assert [point.step for point in description.history] == [4, 8, 12]
    assert all(point.validation is not None for point in description.history)


def test_a_score_on_a_part_of_the_validation_text_says_so(run, workspace):
    path = workspace.checkpoints / "mine" / "best.safetensors"
    whole = describe("mine", workspace)
    assert whole.facts["validation_share"] is None
    assert dict(whole.rows)["validation"].endswith(" bits/char, scored at the end, on all of the validation text")
    stored = read_checkpoint(path)
    record = read_record(ModelRecord, stored.values, source="a test")
    assert record.plan is not None
    plan = record.plan.model_copy(update={"evaluated_share": 0.25})
    unfinished = record.model_copy(update={"plan": plan, "final": None})
    write_checkpoint(path, Checkpoint(stored.tensors, unfinished.to_values()))
    description = describe("mine", workspace)
    assert description.facts["validation_share"] == 0.25
    assert "bits/char, on 25% of the validation text so far" in dict(description.rows)["validation"]
    assert dict(description.rows)["best"].endswith(" evaluated in training, on the validation text")
    (row,) = list_all(workspace)
    assert row.to_json()["validation_share"] == 0.25


@pytest.mark.parametrize("has_scores", [True, False])
def test_a_best_model_alone_tells_by_its_scores_whether_its_training_ended(run, workspace, has_scores):
    path = workspace.checkpoints / "mine" / "best.safetensors"
    stored = read_checkpoint(path)
    record = read_record(ModelRecord, stored.values, source="a test")
    earlier = record.model_copy(update={"step": record.step - 4, "final": record.final if has_scores else None})
    write_checkpoint(path, Checkpoint(stored.tensors, earlier.to_values()))
    assert describe(str(path), workspace).facts["finished"] is has_scores


@pytest.mark.parametrize("name", ["best.safetensors", "last.safetensors"])
def test_info_names_a_damaged_checkpoint(run, workspace, name):
    path = workspace.checkpoints / "mine" / name
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    rows = dict(describe("mine", workspace).rows)
    assert name in rows["damaged"]
    assert rows["corpus"]
