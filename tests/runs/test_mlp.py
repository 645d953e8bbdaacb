"""The feed-forward network through the same runs as any other."""

import pytest

from charlm.api import load
from charlm.config import EvaluationConfig, by_section, make_request
from charlm.errors import ConfigError
from charlm.runs.evaluate.choice import TextChoice
from charlm.runs.evaluate.perplexity import perplexity
from charlm.runs.info import describe
from charlm.runs.reporting import SilentReporter, StopRequest
from charlm.runs.train.resume import resume
from charlm.runs.train.start import start
from tests.support.reporters import StopAfter
from tests.support.training_runs import assert_same_end, train_whole


def test_it_is_trained_scored_sampled_and_described(small_request, workspace):
    config = small_request(name="mlp", model="mlp", window=4, hidden_size=16, steps=60, warmup_steps=0)
    result = train_whole(config, workspace)
    unigram = result.baselines[-1].score
    assert result.test.nats_per_symbol < 0.9 * unigram.nats_per_symbol
    score = perplexity("mlp", TextChoice((), "test"), EvaluationConfig(), workspace, SilentReporter()).score
    assert score.nats_per_symbol == pytest.approx(result.test.nats_per_symbol)
    run = load("mlp", workspace=workspace.root)
    assert run.sample("the", seed=1, length=50) == run.sample("the", seed=1, length=50)
    assert "window of 4 symbols" in dict(describe("mlp", workspace).rows)["model"]


@pytest.mark.parametrize("settings", [{"window": 5, "dropout": 0.2, "accumulation": 2}, {"window": 1}], ids=str)
def test_stopped_and_gone_on_with_it_ends_as_if_never_stopped(small_request, workspace, settings):
    whole = train_whole(small_request(name="whole", model="mlp", **settings), workspace)
    stop = StopRequest()
    start(small_request(name="halted", model="mlp", **settings), workspace, StopAfter(stop, 5), stop)
    assert_same_end(whole.run, resume("halted", workspace, SilentReporter(), StopRequest()).run)


def test_records_and_ngrams_go_with_it(small_request, workspace, text):
    text.write_text(text.read_text().replace(". ", ".\n"))
    for settings in ({"records": "lines"}, {"mix": "ngram:3"}):
        result = train_whole(small_request(model="mlp", window=4, **settings), workspace)
        assert load(str(result.run), workspace=workspace.root).sample(seed=1, length=10)


def test_it_is_fine_tuned_on_a_text_with_other_symbols(small_request, workspace, tmp_path):
    train_whole(small_request(name="mlp", model="mlp", window=4), workspace)
    (tmp_path / "other.txt").write_text("Zebras & quaggas quiz the cat on the mat. " * 100)
    other = {"corpus": (str(tmp_path / "other.txt"),), "steps": 2}
    assert train_whole(make_request(by_section(other)), workspace, init_from="mlp").kind == "mlp"
    another_window = make_request(by_section(other | {"model": "mlp", "window": 5}))
    with pytest.raises(ConfigError, match="--window 5 is not the model of 'mlp'"):
        train_whole(another_window, workspace, init_from="mlp")
