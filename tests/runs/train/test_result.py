import math

import pytest

from charlm.config import make_request
from charlm.data.tokenizers.build import learnt
from charlm.evaluation.baselines import Baseline
from charlm.evaluation.score import Score
from charlm.runs.reporting import SilentReporter
from charlm.runs.stored.corpus import encode_corpus
from charlm.runs.train.result import simplest_as_good
from tests.support.training_runs import train_whole


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
