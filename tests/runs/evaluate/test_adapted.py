import math

import pytest
import torch

from charlm.checkpointing.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from charlm.checkpointing.run_folder import RunFolder
from charlm.config import EvaluationConfig, Request, make_request
from charlm.errors import ConfigError
from charlm.evaluation.adaptive import StaticReader, text_nats
from charlm.runs.evaluate.choice import TextChoice
from charlm.runs.evaluate.perplexity import perplexity
from charlm.runs.reporting import SilentReporter, StopRequest
from charlm.runs.stored.loading import load_model
from charlm.runs.train.resume import resume
from charlm.runs.train.start import start
from charlm.runs.verify import verify_run
from charlm.stepping.adaptation import Adaptation, AdaptationSettings
from tests.support.encoded import encoded
from tests.support.reporters import RecordingReporter

KINDS = {
    "network": {},
    "mixture": {"mix": "ngram:3"},
    "bytes": {"tokenizer": "byte"},
    "subwords": {"tokenizer": "sentencepiece", "vocabulary_size": 270},
    "records": {"records": "lines", "mix": "ngram:2"},
}
METHODS = ("counts", "full")
OTHER = "the red cat ran. ß\nwe saw a ten-man pen; ñ"


def trained(small_request, workspace, **settings):
    result = start(small_request(**{"name": "one"} | settings), workspace, SilentReporter(), StopRequest())
    return RunFolder(result.run)


def counted(small_request, workspace) -> RunFolder:
    request: Request = make_request(
        {
            "data": {"corpus": small_request().config.data.corpus},
            "model": {"model": "ngram", "order": 3},
            "run": {"name": "one"},
        }
    )
    return RunFolder(start(request, workspace, SilentReporter(), StopRequest()).run)


def score(workspace, *text: str, adapt=None, split=None, run="one", **settings):
    """Returns the result, and the notes that were given."""
    reporter = RecordingReporter()
    result = perplexity(
        run,
        TextChoice(text, split),
        EvaluationConfig(adapt=adapt, **settings),
        workspace,
        reporter,
        device="cpu",
    )
    assert not reporter.warnings
    return result, reporter.notes


def changed(path, change, **values):
    stored = read_checkpoint(path)
    write_checkpoint(path, Checkpoint(change(dict(stored.tensors)), stored.values | values))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", METHODS)
def test_the_adapted_score_stands_beside_the_static_one(small_request, workspace, tmp_path, kind, method):
    if kind == "records":
        (tmp_path / "tale.txt").write_text("anna\nbob\notto\nhanna\n" * 60)
    trained(small_request, workspace, **KINDS[kind])
    (tmp_path / "other.txt").write_text(OTHER, encoding="utf-8")
    for text in ((), (str(tmp_path / "other.txt"),)):
        plain, _ = score(workspace, *text)
        result, notes = score(workspace, *text, adapt=method)
        assert not notes
        assert (result.score, result.baselines) == (plain.score, plain.baselines)
        assert plain.adapted is None
        assert result.adapt == method
        assert result.adapted.total_nats != result.score.total_nats
        for count in ("num_symbols", "num_characters", "num_bytes", "num_unknown"):
            assert getattr(result.adapted, count) == getattr(result.score, count)
        assert math.isfinite(result.adapted.total_nats)
        if result.score.num_unknown:
            assert 0.0 < result.adapted.unknown_nats < result.score.unknown_nats
        assert score(workspace, *text, adapt=method)[0] == result


def test_a_repeated_text_gets_cheaper_by_adapting(small_request, workspace, tmp_path):
    trained(small_request, workspace)
    (tmp_path / "other.txt").write_text("deed seed weed " * 40)
    for method in METHODS:
        result, _ = score(workspace, str(tmp_path / "other.txt"), adapt=method)
        assert result.adapted.total_nats < 0.5 * result.score.total_nats


def test_counts_of_a_counted_run_adapt(small_request, workspace):
    folder = counted(small_request, workspace)
    result, _ = score(workspace, adapt="counts")
    assert result.adapted.total_nats < result.score.total_nats
    assert folder.adaptation("counts").exists()
    with pytest.raises(ConfigError, match="an n-gram model has none"):
        score(workspace, adapt="full")


@pytest.mark.parametrize("method", METHODS)
def test_two_symbols_are_enough(small_request, workspace, tmp_path, method):
    trained(small_request, workspace)
    (tmp_path / "short.txt").write_text("th")
    result, _ = score(workspace, str(tmp_path / "short.txt"), adapt=method)
    assert result.adapted.num_symbols == 1
    assert result.adapted.total_nats > 0.0


def test_a_validation_text_of_two_symbols_is_enough(small_request, workspace, tmp_path):
    (tmp_path / "v.txt").write_text("th")
    trained(small_request, workspace, valid_corpus=(str(tmp_path / "v.txt"),), split="95/0/5")
    for method in METHODS:
        assert score(workspace, adapt=method)[0].adapted.total_nats > 0.0


@pytest.mark.parametrize("method", METHODS)
def test_what_the_validation_text_taught_is_kept(small_request, workspace, method):
    folder = trained(small_request, workspace, mix="ngram:3")
    path = folder.adaptation(method)
    assert not path.exists()
    first, _ = score(workspace, adapt=method)
    content = path.read_bytes()
    # The second time it alone decides: with other weights in it, the figure is another.
    assert score(workspace, adapt=method)[0] == first
    changed(path, lambda tensors: tensors | {"learned.mixed": tensors["learned.mixed"] + 0.1})
    assert score(workspace, adapt=method)[0].adapted != first.adapted
    assert score(workspace, adapt=method)[0].score == first.score
    path.unlink()
    assert score(workspace, adapt=method)[0] == first
    assert path.read_bytes() == content


@pytest.mark.parametrize("method", METHODS)
def test_nothing_is_chosen_on_the_text_that_is_scored(small_request, workspace, method):
    folder = trained(small_request, workspace)
    score(workspace, adapt=method, split="valid")
    assert not folder.adaptation(method).exists()
    # Nor is what the validation text taught used on it.
    before, _ = score(workspace, adapt=method, split="valid")
    score(workspace, adapt=method)
    assert folder.adaptation(method).exists()
    assert score(workspace, adapt=method, split="valid")[0] == before


def test_the_usual_rates_without_a_validation_text(small_request, workspace, tmp_path):
    folder = trained(small_request, workspace, split="100/0/0")
    (tmp_path / "other.txt").write_text(OTHER, encoding="utf-8")
    for method in METHODS:
        score(workspace, str(tmp_path / "other.txt"), adapt=method)
        assert not folder.adaptation(method).exists()


def test_without_the_training_text_only_counts_adapt(small_request, workspace, tmp_path, text):
    trained(small_request, workspace)
    (tmp_path / "other.txt").write_text("the cat sat. the cat sat.")
    text.write_text("another text")
    result, notes = score(workspace, str(tmp_path / "other.txt"), adapt="counts")
    assert len(notes) == 1 and "The usual rates are taken" in notes[0]
    loaded = load_model("one", workspace, device=torch.device("cpu"))
    usual = Adaptation(1, loaded.tokenizer.vocabulary_size, AdaptationSettings())
    nats = text_nats(
        StaticReader(loaded.model, loaded.device),
        encoded("the cat sat. the cat sat.", loaded.tokenizer),
        loaded.tokenizer,
        usual,
    )
    assert result.adapted.total_nats == pytest.approx(nats)


DAMAGES = {
    "one bit": lambda content: content[:-9] + bytes([content[-9] ^ 4]) + content[-8:],
    "cut": lambda content: content[: len(content) // 2],
    "nothing": lambda content: b"",
    "another file": lambda content: b"another file",
}
FORGERIES = {
    "fewer weights": lambda tensors: tensors | {"learned.static": tensors["learned.static"][1:].clone()},
    "other types": lambda tensors: tensors | {"learned.static": tensors["learned.static"].bfloat16()},
    "not a number": lambda tensors: tensors | {"learned.mixed": tensors["learned.mixed"] * math.nan},
    "huge": lambda tensors: tensors | {"learned.mixed": tensors["learned.mixed"] + 1e300},
    "no matches": lambda tensors: tensors | {"learned.matches": tensors["learned.matches"] * 0.0},
    "lacking": lambda tensors: {name: each for name, each in tensors.items() if name != "learned.biases"},
    "rows": lambda tensors: tensors | {"learned.bias_rows": tensors["learned.bias_rows"] + 5000},
    "scalar": lambda tensors: tensors | {"learned.bias_rows": torch.tensor(3)},
}
OF_SIZES = {
    "sizes lacking": lambda tensors: {name: each for name, each in tensors.items() if not name.startswith("sizes")},
    "sizes of nothing": lambda tensors: {
        name: each * 0 if name.startswith("sizes") else each for name, each in tensors.items()
    },
    "sizes shorter": lambda tensors: {
        name: each[:1].clone() if name.startswith("sizes") else each for name, each in tensors.items()
    },
    "infinite sizes": lambda tensors: {
        name: each + math.inf if name.startswith("sizes") else each for name, each in tensors.items()
    },
}
VALUES = [
    {"weight_rate": 0.0},
    {"weight_rate": 1e9},
    {"weight_rate": "0.001"},
    {"weight_rate": 10**400},
    {"weight_rate": None},
    {"dynamic_rate": -1.0},
    {"dynamic_rate": [1.0]},
]


@pytest.fixture
def adapted(small_request, workspace):
    """A run with what was found out for both methods, and the scores."""
    folder = trained(small_request, workspace, mix="ngram:3")
    return folder, {method: score(workspace, adapt=method)[0] for method in METHODS}


def assert_found_out_anew(workspace, folder, expected, method, content):
    result, notes = score(workspace, adapt=method)
    assert len(notes) == 1 and "is damaged; what it holds is found out anew" in notes[0]
    assert result == expected[method]
    assert folder.adaptation(method).read_bytes() == content
    assert score(workspace, adapt=method)[1] == []


@pytest.mark.parametrize("method", METHODS)
def test_what_is_damaged_is_found_out_anew(workspace, adapted, method):
    folder, expected = adapted
    path = folder.adaptation(method)
    content = path.read_bytes()
    for damage in DAMAGES.values():
        path.write_bytes(damage(content))
        assert_found_out_anew(workspace, folder, expected, method, content)


@pytest.mark.parametrize(
    ("method", "change"),
    [*(("counts", each) for each in FORGERIES.values()), *(("full", each) for each in OF_SIZES.values())],
)
def test_what_was_never_learnt_is_found_out_anew(workspace, adapted, method, change):
    folder, expected = adapted
    content = folder.adaptation(method).read_bytes()
    changed(folder.adaptation(method), change)
    assert_found_out_anew(workspace, folder, expected, method, content)


@pytest.mark.parametrize("values", VALUES)
def test_rates_that_are_none_are_found_out_anew(workspace, adapted, values):
    folder, expected = adapted
    content = folder.adaptation("full").read_bytes()
    changed(folder.adaptation("full"), dict, **values)
    assert_found_out_anew(workspace, folder, expected, "full", content)


def test_one_method_is_not_taken_for_the_other(workspace, adapted):
    folder, expected = adapted
    contents = {method: folder.adaptation(method).read_bytes() for method in METHODS}
    for method, other in (METHODS, METHODS[::-1]):
        folder.adaptation(method).write_bytes(contents[other])
        assert_found_out_anew(workspace, folder, expected, method, contents[method])


def test_what_is_of_another_model_is_not_used(small_request, workspace, adapted):
    folder, expected = adapted
    other = trained(small_request, workspace, name="two", seed=2, mix="ngram:3")
    for method in METHODS:
        other.adaptation(method).write_bytes(folder.adaptation(method).read_bytes())
        first, notes = score(workspace, run="two", adapt=method)
        assert not notes
        other.adaptation(method).unlink()
        assert score(workspace, run="two", adapt=method)[0] == first
        assert first.adapted != expected[method].adapted


def test_after_more_training_it_is_found_out_anew(small_request, workspace):
    folder = trained(small_request, workspace)
    score(workspace, adapt="counts")
    content = folder.adaptation("counts").read_bytes()
    resume("one", workspace, SilentReporter(), StopRequest(), overrides={"steps": 24})
    holds = {each.file: each.holds for each in verify_run("one", workspace).files}
    assert holds["adaptation-counts.safetensors"].startswith("what another model learnt for --adapt counts")
    first, notes = score(workspace, adapt="counts")
    assert not notes
    assert folder.adaptation("counts").read_bytes() != content
    folder.adaptation("counts").unlink()
    assert score(workspace, adapt="counts")[0] == first


def test_a_run_that_goes_on_from_another_does_not_take_over_how_it_adapts(small_request, workspace, adapted):
    folder = trained(small_request, workspace, name="new", init_from="one")
    assert not folder.adaptation("counts").exists()


def test_a_run_that_cannot_be_written_to_is_scored_all_the_same(small_request, workspace):
    folder = trained(small_request, workspace)
    expected, _ = score(workspace, adapt="counts")
    path = folder.adaptation("counts")
    path.unlink()
    path.mkdir()  # A file cannot take its place, whoever asks.
    result, notes = score(workspace, adapt="counts")
    assert result == expected
    assert len(notes) == 2 and "is not kept: Cannot write" in notes[1]


def test_best_alone_keeps_nothing(small_request, workspace, tmp_path):
    folder = trained(small_request, workspace)
    expected, _ = score(workspace, adapt="counts")
    moved = folder.best.rename(tmp_path / "sent.safetensors")
    result, _ = score(workspace, run=str(moved), adapt="counts", split="test")
    assert result.adapted == expected.adapted
    assert not list(tmp_path.glob("adaptation-*"))


@pytest.mark.parametrize(("settings", "reason"), [({"context": 8}, "--context"), ({"weights": "int8"}, "int8")])
def test_windows_and_reduced_weights_do_not_adapt(small_request, workspace, settings, reason):
    trained(small_request, workspace)
    with pytest.raises(ConfigError, match=reason):
        score(workspace, adapt="counts", **settings)
