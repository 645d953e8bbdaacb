import math

import numpy as np
import pytest
import torch

from charlm.data.lanes import IGNORED
from charlm.data.tokenfile import TokenFile
from charlm.evaluation.score import Score
from charlm.evaluation.scorer import total_nats
from charlm.evaluation.windows import cold_windows, stream_windows, warm_windows
from charlm.models.base import OWN, code_lengths
from charlm.models.recurrent import RecurrentLanguageModel
from tests.support.code_lengths import nats_symbol_by_symbol


def tokens(count: int) -> TokenFile:
    return TokenFile(np.random.default_rng(3).integers(0, 5, count).astype(np.uint8))


@pytest.fixture
def model():
    model = RecurrentLanguageModel(5, embedding_size=3, hidden_size=6, num_layers=2, residual=True)
    model.initialize(torch.Generator().manual_seed(4))
    for parameter in model.parameters():
        parameter.data.mul_(2.0)
    return model.eval()


def symbols_of(text: TokenFile) -> list[int]:
    return text.read(0, len(text)).astype(int).tolist()


CPU = torch.device("cpu")


@pytest.mark.parametrize("count", [2, 3, 16, 17, 18, 100])
def test_the_carried_score_is_that_of_one_symbol_at_a_time(model, count):
    text = tokens(count)
    assert total_nats(model, stream_windows(text, length=16), device=CPU)[OWN] == pytest.approx(
        nats_symbol_by_symbol(model, symbols_of(text)), rel=1e-6
    )


@pytest.mark.parametrize("context", [1, 7, 16, 200])
def test_cold_windows_start_each_from_zero(model, context):
    text = tokens(100)
    windows = cold_windows(text, context=context, batch_size=3)
    assert total_nats(model, windows, device=CPU)[OWN] == pytest.approx(
        nats_symbol_by_symbol(model, symbols_of(text), reset_every=context), rel=1e-6
    )


def test_warm_lanes_with_enough_warmup_are_exact(model):
    text = tokens(101)
    windows = warm_windows(text, num_lanes=4, warmup=100, length=13)
    assert total_nats(model, windows, device=CPU)[OWN] == pytest.approx(
        nats_symbol_by_symbol(model, symbols_of(text)), rel=1e-5
    )


@pytest.mark.parametrize("count", [2, 3, 50, 64, 65, 66, 301])
@pytest.mark.parametrize("lanes", [1, 2, 7])
def test_every_symbol_after_the_first_is_a_target_exactly_once(count, lanes):
    text = TokenFile(np.arange(count, dtype=np.uint16))
    for windows in (
        stream_windows(text, length=16),
        cold_windows(text, context=5, batch_size=lanes),
        warm_windows(text, num_lanes=min(lanes, count - 1), warmup=9, length=8),
    ):
        targets = []
        for window in windows:
            kept = window.targets != IGNORED
            assert int(kept.sum()) == window.num_targets
            assert torch.equal(window.inputs[kept] + 1, window.targets[kept])
            assert torch.equal(window.places()[kept], window.targets[kept])
            targets += window.targets[kept].tolist()
        assert sorted(targets) == list(range(1, count))


def test_a_uniform_model_costs_the_logarithm_of_the_vocabulary():
    class Uniform:
        def initial_state(self, batch_size):
            return ()

        def nats(self, tokens, targets, state, scoring):
            return {OWN: code_lengths(torch.zeros(*tokens.shape, 5), targets)}, ()

    assert total_nats(Uniform(), stream_windows(tokens(1000)), device=CPU)[OWN] == pytest.approx(
        999 * math.log(5), rel=1e-7
    )


def test_means_are_taken_from_sums():
    score = Score(total_nats=8 * math.log(2), num_symbols=2, num_characters=4, num_bytes=8)
    assert score.bits_per_character == pytest.approx(2.0)
    assert score.bits_per_byte == pytest.approx(1.0)
    assert score.nats_per_symbol == pytest.approx(4 * math.log(2))
    assert score.perplexity == pytest.approx(16.0)


def test_json_has_the_promised_keys_and_no_infinities():
    score = Score(total_nats=1e6, num_symbols=1, num_characters=0, num_bytes=1)
    assert list(score.to_json()) == [
        "nats_per_symbol",
        "perplexity",
        "bits_per_character",
        "bits_per_byte",
        "unknown_bits_per_character",
        "symbols",
        "characters",
        "bytes",
        "unknown",
    ]
    assert score.to_json()["perplexity"] is None
    assert score.to_json()["bits_per_character"] is None
