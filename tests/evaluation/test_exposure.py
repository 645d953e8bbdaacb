import numpy as np
import pytest
import torch

from charlm.evaluation.exposure import measure_exposure
from charlm.models.ngram import NgramLanguageModel
from charlm.models.recurrent import RecurrentLanguageModel
from charlm.ngrams.build import count_model

# 0 1 or 0 2 3, at random: after 0 either may come, and only the one takes a symbol longer.
TEXT = np.concatenate([[0, 1] if coin else [0, 2, 3] for coin in np.random.default_rng(1).integers(0, 2, 300)])


def ngrams(order):
    return NgramLanguageModel(count_model(TEXT, order=order, smoothing="witten-bell", vocabulary_size=4).model)


def texts(length=12, count=5):
    return torch.from_numpy(np.stack([TEXT[start : start + length] for start in range(count)], axis=1))


def measure(model, judge, *, prefix=4, seed=1):
    return measure_exposure(model, judge, texts(), prefix=prefix, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("prefix", [1, 4])
def test_the_first_position_is_not_exposed_and_forced_losses_are_the_model_s(prefix):
    model = RecurrentLanguageModel(4, embedding_size=3, hidden_size=4, num_layers=1)
    model.initialize(torch.Generator().manual_seed(1))
    told = measure(model.eval(), ngrams(2), prefix=prefix)
    assert len(told.forced) == len(told.free) == len(told.own) == len(told.true) == 12 - prefix
    assert told.free[0] == pytest.approx(told.forced[0], rel=1e-5)
    with torch.no_grad():
        logits, _ = model(texts()[:-1], model.initial_state(5))
    expected = -logits.log_softmax(-1).gather(-1, texts()[1:, :, None])[..., 0].mean(1)[prefix - 1 :]
    assert told.forced == pytest.approx(expected.tolist(), rel=1e-5)


def test_a_model_without_memory_cannot_drift():
    unigram = ngrams(1)
    told = measure(unigram, unigram)
    assert told.free == pytest.approx(told.forced, rel=1e-6)


def test_a_text_that_goes_its_own_way_loses_the_true_one():
    # Whoever draws the other one is a symbol off from then on, and sure of what does not come.
    told = measure(ngrams(2), ngrams(2))
    assert np.mean(told.free[1:]) > np.mean(told.forced[1:]) + 1.0


def test_the_same_seed_draws_the_same():
    assert measure(ngrams(3), ngrams(2)) == measure(ngrams(3), ngrams(2))
