import math

import pytest
import torch

from charlm.config import EvaluationConfig
from charlm.errors import ConfigError, DataError
from charlm.runs.evaluate.choice import TextChoice
from charlm.runs.evaluate.perplexity import perplexity
from charlm.runs.reporting import SilentReporter, StopRequest
from charlm.runs.stored.loading import load_model
from charlm.runs.stored.workspace import Workspace
from charlm.runs.train.start import start
from tests.support.code_lengths import nats_symbol_by_symbol

CPU = torch.device("cpu")


@pytest.fixture
def run(small_request, workspace):
    return start(small_request(name="mine"), workspace, SilentReporter(), StopRequest())


def score(workspace, *text: str, **settings):
    split = settings.pop("split", None)
    evaluation = EvaluationConfig(**settings)
    return perplexity("mine", TextChoice(text, split), evaluation, workspace, SilentReporter(), device="cpu")


def by_hand(workspace, text: str) -> float:
    """One symbol at a time, in float64, from nothing but the model and the tokenizer."""
    loaded = load_model("mine", workspace, device=CPU)
    return nats_symbol_by_symbol(loaded.model.double(), loaded.tokenizer.encode(text).astype(int).tolist())


@pytest.mark.usefixtures("run")
def test_another_text_is_scored_exactly(workspace, tmp_path):
    text = "the red cat ran. ß\nwe saw a ten-man pen; ñ"
    (tmp_path / "other.txt").write_text(text, encoding="utf-8")
    result = score(workspace, str(tmp_path / "other.txt"))
    known = load_model("mine", workspace, device=CPU).tokenizer.to_json()["characters"]
    num_unknown = sum(character not in known for character in text[1:])
    charge = num_unknown * math.log(0x110000 - 0x800 - len(known))
    assert result.score.unknown_nats == pytest.approx(charge)
    assert result.score.total_nats == pytest.approx(by_hand(workspace, text) + charge, rel=1e-6)
    assert result.score.num_symbols == result.score.num_characters == len(text) - 1
    assert result.score.num_bytes == len(text.encode()) - 1
    assert result.score.num_unknown == num_unknown


@pytest.mark.usefixtures("run")
def test_the_test_part_is_the_end_of_the_text(workspace, text):
    whole = text.read_text()
    part = whole[round(len(whole) * 0.95) :]
    assert score(workspace).score.total_nats == pytest.approx(by_hand(workspace, part), rel=1e-6)


def test_the_result_of_training_is_that_of_scoring(run, workspace):
    assert score(workspace).score == run.test
    assert score(workspace, split="valid").score == run.validation


@pytest.mark.usefixtures("run")
def test_baselines_are_what_their_names_say(workspace, tmp_path, text):
    (tmp_path / "other.txt").write_text("tab")
    uniform, unigram = score(workspace, str(tmp_path / "other.txt")).baselines
    training = text.read_text()[1 : round(len(text.read_text()) * 0.9)]
    vocabulary = len(set(text.read_text()[: len(training) + 1])) + 1
    # "b" is unknown, and one of the characters that are not in the vocabulary.
    assert "b" not in training
    charge = math.log(0x110000 - 0x800 - (vocabulary - 1))
    assert uniform.score.total_nats == pytest.approx(2 * math.log(vocabulary) + charge)
    shares = [(training.count(each) + 1) / (len(training) + vocabulary) for each in "ab"]
    assert unigram.score.total_nats == pytest.approx(charge - sum(map(math.log, shares)))


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize("content", ["", "x"])
def test_too_short_a_text_is_refused(workspace, tmp_path, content):
    (tmp_path / "short.txt").write_text(content)
    with pytest.raises(DataError):
        score(workspace, str(tmp_path / "short.txt"))


def test_a_part_that_the_run_lacks_is_refused(small_request, workspace):
    start(small_request(name="mine", split="90/10/0"), workspace, SilentReporter(), StopRequest())
    assert score(workspace).text == "tale (valid)"
    with pytest.raises(DataError, match="without a test part"):
        score(workspace, split="test")


def test_records_refuse_cold_windows(small_request, workspace, tmp_path):
    (tmp_path / "names.txt").write_text("anna\nbob\n" * 50)
    config = small_request(name="mine", records="lines", corpus=(str(tmp_path / "names.txt"),))
    start(config, workspace, SilentReporter(), StopRequest())
    with pytest.raises(ConfigError, match="records"):
        score(workspace, context=4)


@pytest.mark.usefixtures("run")
def test_a_text_is_read_as_the_runs_own_but_for_what_is_asked(workspace, tmp_path):
    (tmp_path / "other.txt").write_bytes("the café".encode("latin-1"))
    text = TextChoice((str(tmp_path / "other.txt"),), reading={"encoding": "latin-1"})
    result = perplexity("mine", text, EvaluationConfig(), workspace, SilentReporter())
    assert result.score.num_characters == 7


def test_best_alone_is_enough_to_score_and_sample(run, workspace, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    moved = (run.run / "best.safetensors").rename(elsewhere / "sent.safetensors")
    (tmp_path / "other.txt").write_text("the cat")
    text = TextChoice((str(tmp_path / "other.txt"),))
    result = perplexity(str(moved), text, EvaluationConfig(), Workspace(elsewhere), SilentReporter())
    assert result.score.num_symbols == 6
    assert result.run == "sent"
