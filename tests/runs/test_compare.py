import csv
import dataclasses
import json

import pytest

from charlm.cells import cell_names
from charlm.checkpointing.checkpoint import read_checkpoint
from charlm.config import ComparisonConfig, Request, by_section, make_request
from charlm.errors import CheckpointError, ConfigError
from charlm.models.build import build_network, count_parameters
from charlm.runs.compare.comparing import compare
from charlm.runs.compare.grid import grid_variants, variants_of_equal_parameters, with_equal_parameters
from charlm.runs.compare.result import VariantResult
from charlm.runs.compare.tables import markdown
from charlm.runs.reporting import SilentReporter, StopRequest
from charlm.training.defaults import default_embedding_size
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
    with pytest.raises(CheckpointError, match="begun with another training"):
        run(small_request(name="one", steps=13), workspace, settings)
    (workspace.root / "tale.txt").write_text("another tale. " * 100)
    with pytest.raises(CheckpointError, match="begun with another text"):
        run(small_request(name="one"), workspace, settings)
    (workspace.checkpoints / "taken").mkdir()
    (workspace.checkpoints / "taken" / "thesis.txt").write_text("mine")
    with pytest.raises(CheckpointError, match="is no comparison"):
        run(small_request(name="taken"), workspace, settings)


@pytest.mark.parametrize("hidden_size", [3, 24, 100])
def test_equal_parameters_are_as_equal_as_whole_units_allow(small_request, hidden_size):
    cells = grid_variants(grid(models="lstm,gru,rnn,mlp,lstm-peephole"), small_request(hidden_size=hidden_size))
    fitted = with_equal_parameters(cells, vocabulary_size=30)
    assert fitted[0].model.hidden_size == hidden_size
    from charlm.models.build import build_network, count_parameters

    counts = [count_parameters(build_network(cell.model, vocabulary_size=30)) for cell in fitted]
    for cell, count in zip(fitted, counts, strict=True):
        wider = cell.model.model_copy(update={"hidden_size": cell.model.hidden_size + 1})
        step = count_parameters(build_network(wider, vocabulary_size=30)) - count
        assert abs(count - counts[0]) <= step


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"models": "lstm,transformer"}, "--models transformer is not a model charlm knows"),
        ({"models": "ngram:25"}, "--models ngram:25: order is '25'; it should be less than or equal to 24"),
        ({"models": "ngram:x"}, "--models ngram:x has no order; write for example ngram:5"),
        ({"models": "ngram"}, "--models ngram is not a model charlm knows"),
        ({"models": "mlp:0"}, "--models mlp:0: window is '0'"),
        ({"models": "gru:3"}, "--models gru:3 is not a model charlm knows"),
        ({"models": "rnn,rnn"}, "rnn is named twice in --models"),
        ({"models": " ,"}, "names no model; there are ngram:K, mlp, mlp:K, lstm"),
        ({"models": "ngram:2,ngram:3"}, "--layers is for networks, and --models ngram:2,ngram:3 names none"),
        ({"layers": "1,1"}, "1 is named twice in --layers"),
        ({"match": "time", "sizes": "8"}, "--sizes is for --match parameters"),
        ({"match": "time"}, "--match time gives each model the same --budget"),
    ],
)
def test_a_grid_that_makes_no_sense_is_refused(small_request, workspace, settings, message):
    with pytest.raises(ConfigError, match=message):
        run(small_request(name="bad"), workspace, grid(**settings))
    assert not (workspace.checkpoints / "bad").exists()


def test_equal_parameters_count_the_embedding_that_will_be_trained(small_request, workspace):
    config = small_request(name="open", embedding_size=None, hidden_size=16, steps=1, evaluations=1)
    _, results, _ = run(config, workspace, grid(models="lstm,mlp", layers="1"))
    assert results[1].parameters == pytest.approx(results[0].parameters, rel=0.1)


def test_a_grid_in_several_sizes_has_as_many_parameters_in_each_as_the_first(small_request, workspace):
    settings = grid(models="ngram:2,lstm,rnn", layers="1,2", sizes="8,16")
    folder, results, _ = run(small_request(name="sizes", steps=2, evaluations=1), workspace, settings)
    names = ["lstm-1", "lstm-2", "rnn-1", "rnn-2"]
    assert [each.run for each in results] == ["ngram-2", *(f"{name}-{size}" for size in (8, 16) for name in names)]
    for size, four in ((8, results[1:5]), (16, results[5:])):
        assert four[0].hidden_size == size
        assert {each.size for each in four} == {size}
        assert all(each.parameters == pytest.approx(four[0].parameters, rel=0.1) for each in four)
    rows = (folder.path / "results.md").read_text().splitlines()[2:6]
    assert [row.split("|")[1].strip() for row in rows] == ["8, 1 layer", "8, 2 layers", "16, 1 layer", "16, 2 layers"]


def test_what_a_model_of_the_grid_cannot_take_is_refused(small_request, workspace):
    with pytest.raises(ConfigError, match="--models mlp: tie_weights is for model recurrent, not for model mlp"):
        run(small_request(name="tied", tie_weights=True, embedding_size=8), workspace, grid(models="gru,mlp"))


def test_windows_are_compared_like_models(small_request):
    cells = grid_variants(grid(models="mlp:2,mlp:9,mlp", layers="1"), small_request())
    assert [(cell.name, cell.model.window) for cell in cells][:2] == [("mlp-2-1", 2), ("mlp-9-1", 9)]
    assert cells[2].model.window == type(cells[2].model)().window
    assert cells[0].model.hidden_size == 8


def test_parameters_that_no_width_gives_are_refused(small_request):
    cells = grid_variants(grid(models="rnn,lstm", layers="1"), small_request(hidden_size=1, embedding_size=1))
    with pytest.raises(ConfigError, match="No width gives lstm with 1 layers"):
        with_equal_parameters(cells, vocabulary_size=2)


def test_the_table_has_a_column_a_model_and_a_row_a_depth():
    results = [
        VariantResult("ngram-5", "ngram:5", None, test=2.5),
        VariantResult("lstm-1", "lstm", 1, test=2.0),
        VariantResult("lstm-2", "lstm", 2, validation=1.9),
        VariantResult("gru-2", "gru", 2, error="It diverged."),
    ]
    first, _, one, two = markdown(results).splitlines()[:4]
    assert first == "| bits/char | ngram:5 | lstm | gru |"
    assert one == "| 1 layer | 2.5000 | 2.0000 |  |"
    assert two == "| 2 layers |  | 1.9000 |  |"
    assert markdown(results).splitlines()[-1].endswith("| It diverged. |")


@pytest.mark.parametrize("kind", [*cell_names(), "mlp", "mlp:3"])
@pytest.mark.parametrize("layers", ["1", "3"])
@pytest.mark.parametrize("width", [30, 60])
def test_equal_parameters_are_as_near_as_a_width_can_bring_them(kind, layers, width):
    settings = grid(models=f"lstm,{kind}" if kind != "lstm" else "lstm,rnn", layers=layers, match="parameters")
    reference, cell = variants_of_equal_parameters(
        settings, make_request(by_section({"corpus": ("a.txt",), "hidden_size": width})), vocabulary_size=30
    )
    assert reference.model.hidden_size == width

    def parameters(model, more=0):
        model = model.model_copy(update={"hidden_size": model.hidden_size + more})
        sized = model.model_copy(update={"embedding_size": default_embedding_size(model)})
        return count_parameters(build_network(sized, vocabulary_size=30))

    wanted = parameters(reference.model)
    distance = abs(parameters(cell.model) - wanted)
    assert distance <= abs(parameters(cell.model, 1) - wanted)
    assert cell.model.hidden_size == 1 or distance <= abs(parameters(cell.model, -1) - wanted)
