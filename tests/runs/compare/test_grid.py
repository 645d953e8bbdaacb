import pytest

from charlm.cells import cell_names
from charlm.config import ComparisonConfig, Request, by_section, make_request
from charlm.errors import ConfigError
from charlm.models.build import build_network, count_parameters
from charlm.runs.compare.comparing import compare
from charlm.runs.compare.grid import grid_variants, variants_of_equal_parameters, with_equal_parameters
from charlm.runs.reporting import SilentReporter, StopRequest
from charlm.training.defaults import default_embedding_size


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


def test_windows_are_compared_like_models(small_request):
    cells = grid_variants(grid(models="mlp:2,mlp:9,mlp", layers="1"), small_request())
    assert [(cell.name, cell.model.window) for cell in cells][:2] == [("mlp-2-1", 2), ("mlp-9-1", 9)]
    assert cells[2].model.window == type(cells[2].model)().window
    assert cells[0].model.hidden_size == 8


def test_parameters_that_no_width_gives_are_refused(small_request):
    cells = grid_variants(grid(models="rnn,lstm", layers="1"), small_request(hidden_size=1, embedding_size=1))
    with pytest.raises(ConfigError, match="No width gives lstm 10 parameters with --layers 1"):
        with_equal_parameters(cells, vocabulary_size=2)


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
