import csv
import dataclasses
import json
import math

import pytest

from charlm.checkpointing.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from charlm.config import ComparisonConfig, Request
from charlm.errors import CheckpointError, ConfigError
from charlm.runs.compare.comparing import compare
from charlm.runs.compare.result import markdown
from charlm.runs.reporting import SilentReporter, StopRequest
from tests.support.reporters import KilledError


class StopAfterSteps(SilentReporter):
    """Asks to stop after so many steps of all runs together."""

    def __init__(self, stop, steps):
        self.stop = stop
        self.left = steps

    def step(self, report):
        self.left -= 1
        self.stop.requested = self.left <= 0


def grid(**settings):
    return ComparisonConfig(**({"models": "ngram:3,mlp,gru", "layers": "1,2", "match": "parameters"} | settings))


def run(request, workspace, settings=None, *, stop=None, reporter=None):
    seen = []
    asked = request.asked | (settings.model_fields_set if settings else set())
    folder, results = compare(
        settings or grid(),
        Request(request.config, asked),
        workspace,
        reporter or SilentReporter(),
        stop or StopRequest(),
        show=lambda _cells, _results, cell: seen.append(cell and cell.name),
    )
    return folder, results, seen


def test_every_cell_is_trained_and_written_down(small_request, workspace):
    folder, results, seen = run(small_request(name="all"), workspace)
    assert [each.run for each in results] == ["ngram-3", "mlp-1", "mlp-2", "gru-1", "gru-2"]
    assert seen == [*(each.run for each in results), None]
    assert all(each.error is None and each.validation > 0 and each.test > 0 for each in results)
    assert [each.steps for each in results] == [None, 12, 12, 12, 12]
    networks = [each.parameters for each in results[1:]]
    assert max(networks) < 1.25 * min(networks)
    with (folder.path / "results.csv").open() as file:
        assert [row["run"] for row in csv.DictReader(file)] == [each.run for each in results]
    assert (folder.path / "results.md").read_text() == markdown(results)
    assert len(json.loads((folder.path / "comparison.json").read_text())["results"]) == 5


def test_an_interrupted_comparison_goes_on_where_it_was(small_request, workspace):
    stop = StopRequest()
    _, first, seen = run(
        small_request(name="halted"), workspace, grid(models="gru,mlp"), stop=stop, reporter=StopAfterSteps(stop, 17)
    )
    assert ([each.run for each in first], seen) == (["gru-1"], ["gru-1", "gru-2", None])
    _, results, seen = run(small_request(name="halted"), workspace, grid(models="gru,mlp"))
    assert seen == ["gru-2", "mlp-1", "mlp-2", None]
    _, whole, _ = run(small_request(name="whole"), workspace, grid(models="gru,mlp"))
    assert [each.validation for each in results] == [each.validation for each in whole]
    assert results[0] == first[0]
    assert run(small_request(name="halted"), workspace, grid(models="gru,mlp"))[2] == [None]


class KilledWhileScoring(SilentReporter):
    """Dies where a run has done its last step and scores its model."""

    def progress(self, label, total):
        if label.startswith("scoring"):
            raise KilledError
        return super().progress(label, total)


def test_a_run_that_ended_before_its_result_was_kept_is_only_scored(small_request, workspace):
    settings = grid(models="rnn", layers="1")
    with pytest.raises(KilledError):
        run(small_request(name="killed"), workspace, settings, reporter=KilledWhileScoring())
    _, results, _ = run(small_request(name="killed"), workspace, settings, reporter=StopAfterSteps(StopRequest(), 0))
    _, whole, _ = run(small_request(name="whole"), workspace, settings)
    assert dataclasses.replace(results[0], seconds=None) == dataclasses.replace(whole[0], seconds=None)
    assert read_checkpoint(workspace.checkpoints / "killed/rnn-1/last.safetensors").values["step"] == 12


def test_a_text_that_can_be_read_once_only_is_refused(small_request, workspace):
    with pytest.raises(ConfigError, match="stdin"):
        run(small_request(name="piped", corpus=("-",)), workspace)


def test_the_grid_may_grow(small_request, workspace):
    run(small_request(name="grown"), workspace, grid(models="gru", layers="1"))
    _, results, seen = run(small_request(name="grown"), workspace, grid(models="gru,rnn", layers="1"))
    assert seen == ["rnn-1", None]
    assert [each.kind for each in results] == ["gru", "rnn"]


def test_a_cell_that_fails_is_told_of_and_tried_again_and_the_others_go_on(small_request, workspace):
    settings = grid(models="ngram:24,rnn", layers="1")
    config = small_request(name="failing", split="60/20/20")
    (workspace.root / "tale.txt").write_text("abcdefghij" * 3)
    _, results, _ = run(config, workspace, settings)
    assert "--order 24 needs a text" in results[0].error
    assert results[1].error is None
    assert run(config, workspace, settings)[2] == ["ngram-24", None]


def test_another_text_or_setting_is_not_mixed_up_with_the_first(small_request, workspace):
    settings = grid(models="rnn", layers="1")
    run(small_request(name="one"), workspace, settings)
    with pytest.raises(CheckpointError, match=r"begun with another setting of steps \(12, not 13\); give"):
        run(small_request(name="one", steps=13), workspace, settings)
    (workspace.root / "tale.txt").write_text("another tale. " * 100)
    with pytest.raises(CheckpointError, match="begun with another text"):
        run(small_request(name="one"), workspace, settings)
    (workspace.checkpoints / "taken").mkdir()
    (workspace.checkpoints / "taken" / "thesis.txt").write_text("mine")
    with pytest.raises(CheckpointError, match="is no comparison"):
        run(small_request(name="taken"), workspace, settings)


def test_equal_parameters_count_the_embedding_that_will_be_trained(small_request, workspace):
    config = small_request(name="open", embedding_size=None, hidden_size=16, steps=1, evaluations=1)
    _, results, _ = run(config, workspace, grid(models="lstm,mlp", layers="1"))
    assert results[1].parameters == pytest.approx(results[0].parameters, rel=0.1)


def test_what_a_model_of_the_grid_cannot_take_is_refused(small_request, workspace):
    with pytest.raises(ConfigError, match="--models mlp: tie_weights is for model recurrent, not for model mlp"):
        run(small_request(name="tied", tie_weights=True, embedding_size=8), workspace, grid(models="gru,mlp"))


def test_a_run_that_stopped_early_before_its_result_was_kept_is_only_scored(small_request, workspace):
    settings = grid(models="rnn", layers="1")
    run(small_request(name="early"), workspace, settings)
    folder = workspace.checkpoints / "early"
    kept = json.loads((folder / "comparison.json").read_text())
    (folder / "comparison.json").write_text(json.dumps(kept | {"results": []}))
    # The state after 8 of 12 steps, as it would be after an evaluation without improvement.
    (folder / "rnn-1/step-8.safetensors").replace(folder / "rnn-1/last.safetensors")
    stored = read_checkpoint(folder / "rnn-1/last.safetensors")
    config = stored.values["config"] | {"training": stored.values["config"]["training"] | {"patience": 1}}
    progress = stored.values["progress"] | {"stale": 1}
    values = {**stored.values, "config": config, "progress": progress}
    write_checkpoint(folder / "rnn-1/last.safetensors", Checkpoint(stored.tensors, values))
    _, results, _ = run(small_request(name="early"), workspace, settings)
    assert results[0].steps == 8
    assert read_checkpoint(folder / "rnn-1/last.safetensors").values["step"] == 8


def test_results_of_an_older_charlm_are_charged_for_unknown_characters(small_request, workspace, tmp_path):
    text = "the red cat ran. we \u9e45 saw a hen.\n" * 9
    (tmp_path / "held-out.txt").write_text(text, encoding="utf-8")
    request = small_request(name="older", valid=(str(tmp_path / "held-out.txt"),))
    settings = grid(models="rnn", layers="1")
    _, results, _ = run(request, workspace, settings)
    file = workspace.checkpoints / "older/comparison.json"
    kept = json.loads(file.read_text())
    known = json.loads((workspace.checkpoints / "older/rnn-1/tokenizer.json").read_text())["characters"]
    num_unknown = sum(character not in known for character in text[1:])
    charge = num_unknown * math.log2(0x110000 - 0x800 - len(known)) / len(text[1:])
    (result,) = kept["results"]
    older = {"settings": kept["settings"], "results": [result | {"validation": result["validation"] - charge}]}
    file.write_text(json.dumps(older))
    for _ in range(2):
        _, again, _ = run(request, workspace, settings)
        assert again[0].validation == pytest.approx(results[0].validation)
