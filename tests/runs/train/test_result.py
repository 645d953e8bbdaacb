import math
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch

from charlm.config import make_request
from charlm.data.corpus import EncodedCorpus
from charlm.data.encoder import EncodedText
from charlm.data.tokenfile import TokenFile
from charlm.data.tokenizers.build import learnt
from charlm.data.tokenizers.char import CharTokenizer
from charlm.evaluation.baselines import Baseline
from charlm.evaluation.score import Score
from charlm.evaluation.scorer import score_parts
from charlm.models.recurrent import RecurrentLanguageModel
from charlm.runs.reporting import SilentReporter
from charlm.runs.stored.corpus import encode_corpus
from charlm.runs.train.result import choose_modes, score_held_out, simplest_as_good
from tests.support.training_runs import train_whole

CPU = torch.device("cpu")


class CountingReporter(SilentReporter):
    def __init__(self):
        self.labels, self.counts = [], []

    def progress(self, label, total):
        self.labels.append(f"{label} of {total}")
        return nullcontext(self.counts.append)


def text(count):
    symbols = TokenFile(np.random.default_rng(count).integers(0, 5, count).astype(np.uint8))
    return EncodedText(
        symbols,
        num_symbols=count,
        num_characters=count,
        num_bytes=count,
        num_unknown=0,
        num_records=0,
        first_bytes=1,
    )


def corpus(*, valid, test):
    return EncodedCorpus(
        label="a test",
        key="key",
        folder=Path("folder"),
        digest="digest",
        tokenizer=CharTokenizer(["a", "b", "c", "d"]),
        train=text(10),
        valid=valid,
        test=test,
        split="separate files",
        reused=False,
    )


@pytest.fixture
def model():
    model = RecurrentLanguageModel(5, embedding_size=3, hidden_size=6, num_layers=2, residual=True)
    model.initialize(torch.Generator().manual_seed(4))
    return model.eval()


@pytest.mark.parametrize(
    "modes", [None, {"validation": "exact", "test": "exact"}, {"validation": "fast", "test": "exact"}]
)
def test_texts_scored_side_by_side_have_the_scores_that_each_has_alone(model, modes):
    encoded, reporter = corpus(valid=text(1100), test=text(700)), CountingReporter()
    scores = score_held_out(model, encoded, reporter, device=CPU, modes=modes)
    modes = modes or {"validation": "exact", "test": "exact"}
    for split, each in {"validation": encoded.valid, "test": encoded.test}.items():
        assert scores[split] == score_parts(model, each, encoded.tokenizer, device=CPU, mode=modes[split])
    assert list(scores) == ["validation", "test"]
    assert reporter.labels == ["scoring validation and test of 1800"]
    assert sum(reporter.counts) == 1099 + 699


@pytest.mark.parametrize("does_forget", [True, False])
def test_a_text_that_is_long_for_the_training_is_scored_exactly_where_the_model_forgets(does_forget):
    encoded = corpus(valid=text(12_000), test=text(700))
    modes = choose_modes(encoded, trained_on=1000.0, does_forget=lambda each: does_forget)
    assert modes == {"validation": "exact" if does_forget else "fast", "test": "exact"}


def test_without_a_held_out_text_nothing_is_scored(model):
    reporter = CountingReporter()
    assert score_held_out(model, corpus(valid=None, test=None), reporter, device=CPU) == {}
    assert reporter.labels == []


def test_an_error_while_one_text_is_scored_ends_the_scoring_of_both(model):
    class FailingReporter(CountingReporter):
        def progress(self, label, total):
            super().progress(label, total)

            def advance(num_symbols):
                raise KeyboardInterrupt

            return nullcontext(advance)

    with pytest.raises(KeyboardInterrupt):
        score_held_out(model, corpus(valid=text(1100), test=text(700)), FailingReporter(), device=CPU)


def score(nats: float) -> Score:
    return Score(100 * nats, num_symbols=100, num_characters=100, num_bytes=100)


@pytest.mark.parametrize(("nats", "name"), [(0.8, "unigram"), (0.6, "bigram"), (0.0, None)])
def test_a_network_is_held_against_the_simplest_model_that_is_as_good(tmp_path, workspace, nats, name):
    (tmp_path / "ab.txt").write_text("ab" * 1000, encoding="utf-8")
    config = make_request({"data": {"corpus": [str(tmp_path / "ab.txt")]}}).config
    corpus = encode_corpus(config.data, learnt(config.tokenizer, records=False), workspace, SilentReporter())
    # Both letters are as frequent, which takes ln 2 each; after one there is always the other.
    unigram = Baseline("unigram", "validation", score(math.log(2)))
    found = simplest_as_good(score(nats), corpus, [unigram])
    assert (found and found.name) == name
    if name == "bigram":
        assert found.score.nats_per_symbol < 0.01


def test_a_training_too_short_to_learn_is_no_better_than_letter_frequencies(small_request, workspace):
    result = train_whole(small_request(steps=1, evaluations=1), workspace)
    assert result.no_better_than is not None
    assert result.no_better_than.name == "unigram"


def test_nothing_is_held_against_a_network_without_a_validation_text(small_request, workspace):
    assert train_whole(small_request(steps=1, split="100/0/0"), workspace).no_better_than is None
