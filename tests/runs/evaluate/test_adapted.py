import math

import pytest
import torch

from charlm.checkpointing.run_folder import RunFolder
from charlm.config import Request, make_request
from charlm.errors import ConfigError
from charlm.evaluation.adaptive import StaticReader, text_nats
from charlm.runs.reporting import SilentReporter, StopRequest
from charlm.runs.stored.loading import load_model
from charlm.runs.train.start import start
from charlm.stepping.adaptation import Adaptation, AdaptationSettings
from tests.support.adapting import METHODS, score, trained
from tests.support.encoded import encoded

KINDS = {
    "network": {},
    "mixture": {"mix": "ngram:3"},
    "bytes": {"tokenizer": "byte"},
    "subwords": {"tokenizer": "sentencepiece", "vocabulary_size": 270},
    "records": {"records": "lines", "mix": "ngram:2"},
}
OTHER = "the red cat ran. ß\nwe saw a ten-man pen; ñ"


def counted(small_request, workspace) -> RunFolder:
    request: Request = make_request(
        {
            "data": {"corpus": small_request().config.data.corpus},
            "model": {"model": "ngram", "order": 3},
            "run": {"name": "one"},
        }
    )
    return RunFolder(start(request, workspace, SilentReporter(), StopRequest()).run)


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


def test_unknown_characters_of_a_text_that_is_gone_are_charged_as_in_the_static_score(small_request, workspace, text):
    text.write_text("the cat sat on the mat. " * 60 + "\u00e9 the \u00e9 cat \u00e9", encoding="utf-8")
    trained(small_request, workspace)
    learnt, notes = score(workspace, adapt="counts")
    assert not notes and 0.0 < learnt.adapted.unknown_nats < learnt.score.unknown_nats
    text.unlink()
    charged, notes = score(workspace, adapt="counts")
    assert len(notes) == 1 and "cannot be read again" in notes[0]
    assert charged.adapted.unknown_nats == charged.score.unknown_nats


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


@pytest.mark.parametrize(("settings", "reason"), [({"context": 8}, "--context"), ({"weights": "int8"}, "int8")])
def test_windows_and_reduced_weights_do_not_adapt(small_request, workspace, settings, reason):
    trained(small_request, workspace)
    with pytest.raises(ConfigError, match=reason):
        score(workspace, adapt="counts", **settings)
