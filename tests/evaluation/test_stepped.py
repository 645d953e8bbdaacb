import numpy as np
import pytest
import torch

from charlm.config import ModelConfig
from charlm.data.tokenfile import TokenFile
from charlm.evaluation.scorer import total_nats
from charlm.evaluation.stepped import SteppedModel
from charlm.evaluation.windows import cold_windows, stream_windows
from charlm.models.base import OWN
from charlm.models.build import arrays_of, build_network
from charlm.stepping.build import build_step_model

CPU = torch.device("cpu")
SYMBOLS = 9


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_a_text_scored_symbol_by_symbol_has_the_models_exact_score(cell):
    config = ModelConfig(cell=cell, hidden_size=16, num_layers=2)
    model = build_network(config, vocabulary_size=SYMBOLS).eval()
    model.initialize(torch.Generator().manual_seed(3))
    engine = build_step_model(config, arrays_of(model), vocabulary_size=SYMBOLS, source="a test")
    tokens = TokenFile(np.random.default_rng(5).integers(0, SYMBOLS, 700).astype(np.uint8))
    for windows in (lambda: stream_windows(tokens), lambda: cold_windows(tokens, context=20)):
        exact = total_nats(model, windows(), device=CPU)[OWN]
        stepped = total_nats(SteppedModel(engine), windows(), device=CPU)[OWN]
        # 1e-5 bits a character, over 699 of them.
        assert stepped == pytest.approx(exact, abs=699 * 1e-5 * np.log(2))


def test_code_lengths_from_the_steppers_logits_add_up_to_that_score():
    config = ModelConfig(hidden_size=8, num_layers=1)
    model = build_network(config, vocabulary_size=SYMBOLS).eval()
    model.initialize(torch.Generator().manual_seed(3))
    engine = build_step_model(config, arrays_of(model), vocabulary_size=SYMBOLS, source="a test")
    symbols = np.random.default_rng(5).integers(0, SYMBOLS, 100)
    stepper = engine.stepper(engine.initial_state(1))
    nats = 0.0
    for symbol, following in zip(symbols[:-1, None], symbols[1:], strict=True):
        logits = stepper.step(symbol)[0].astype(np.float64)
        nats += np.log(np.exp(logits).sum()) - logits[following]
    assert nats == pytest.approx(total_nats(model, stream_windows(TokenFile(symbols)), device=CPU)[OWN], rel=1e-6)
