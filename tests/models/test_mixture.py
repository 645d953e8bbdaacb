import numpy as np
import pytest
import torch

from charlm.config import ModelConfig
from charlm.data.lanes import IGNORED, Lanes
from charlm.data.tokenfile import TokenFile
from charlm.models.base import OWN, Scoring
from charlm.models.build import arrays_of, build_mixture, build_network, restore_model
from charlm.models.mixture import NETWORK_ALONE, NGRAMS_ALONE, network_of
from charlm.models.ngram import NgramLanguageModel
from charlm.ngrams.build import count_model
from charlm.ngrams.cross_fitting import cross_fit
from charlm.stepping.build import build_step_model
from charlm.training.objectives import MixtureLoss, next_symbol_loss
from tests.support.steps import assert_reading_leaves_the_state_of_steps, assert_steps_are_those_of

TEXT = np.random.default_rng(1).choice(5, size=300, p=[0.4, 0.3, 0.15, 0.1, 0.05]).astype(np.uint8)
CONFIG = ModelConfig(hidden_size=6, embedding_size=6, num_layers=2, mix="ngram:3", mixing="log-linear")
LINEAR = CONFIG.model_copy(update={"mixing": "linear"})


def counted():
    return count_model(TEXT, order=3, smoothing="kneser-ney", vocabulary_size=5)


def mixed(config=CONFIG):
    model = build_mixture(config, build_network(config, vocabulary_size=5), counted().model)
    model.initialize(torch.Generator().manual_seed(1))
    with torch.no_grad():
        model.gate.output.weight.normal_(generator=torch.Generator().manual_seed(2))
    return model.eval()


def tokens(batch=3):
    return torch.from_numpy(TEXT[: 20 * batch].astype(np.int64)).view(20, batch)


def distributions_of(model):
    """The log-probabilities of the mixture, of its network and of its n-grams, and the shares it tells."""
    with torch.no_grad():
        logits, _ = model(tokens(), model.initial_state(3))
        network, _ = model.network(tokens(), model.network.initial_state(3))
    ngrams = NgramLanguageModel(model.ngrams)
    counts, _ = ngrams(tokens(), ngrams.initial_state(3))
    assert logits.exp().sum(-1).numpy() == pytest.approx(1.0, abs=1e-5)
    return logits, network.log_softmax(-1), counts


def observed_shares(model):
    shares = []
    with torch.no_grad():
        model.nats(
            tokens(), tokens(), model.initial_state(3), Scoring(lambda nats, logits, share: shares.append(share))
        )
    return shares[0]


def test_a_linear_mixture_is_that_of_both_distributions_with_one_share():
    model = mixed(LINEAR)
    both, own, other = (each.exp() for each in distributions_of(model))
    told = observed_shares(model)
    torch.testing.assert_close(both, told[..., None] * own + (1 - told[..., None]) * other)
    assert 0 < told.min() < told.max() < 1


def test_a_log_linear_mixture_is_a_product_of_powers():
    model = mixed()
    both, own, other = (each.double().numpy() for each in distributions_of(model))
    told = observed_shares(model)
    for place in np.ndindex(20, 3):
        columns = np.stack((own[place], other[place], np.ones(5)), axis=1)
        (first, second, _), residuals, _, _ = np.linalg.lstsq(columns, both[place], rcond=None)
        assert residuals < 1e-8
        assert first > 0
        assert second > 0
        assert told[place] == pytest.approx(first / (first + second), abs=1e-3)


def test_code_lengths_are_those_of_the_mixture_and_its_parts():
    model = mixed()
    targets = tokens().roll(-1, 0)
    targets[-1] = IGNORED
    with torch.no_grad():
        nats, state = model.nats(tokens(), targets, model.initial_state(3))
        logits, expected_state = model(tokens(), model.initial_state(3))
        network, _ = model.network.nats(tokens(), targets, model.network.initial_state(3))
    ngrams = NgramLanguageModel(model.ngrams)
    counts, _ = ngrams.nats(tokens(), targets, ngrams.initial_state(3))
    picked = -logits.gather(-1, targets.clamp(min=0)[..., None])[..., 0]
    torch.testing.assert_close(nats[OWN], picked.where(targets != IGNORED, 0.0))
    torch.testing.assert_close(nats[NETWORK_ALONE], network[OWN])
    torch.testing.assert_close(nats[NGRAMS_ALONE], counts[OWN])
    assert all(torch.equal(one, other) for one, other in zip(state, expected_state, strict=True))


@pytest.mark.parametrize("config", [CONFIG, LINEAR], ids=["log-linear", "linear"])
@pytest.mark.parametrize("num_streams", [1, 3])
def test_steps_are_those_of_the_torch_model(num_streams, config):
    model = mixed(config)
    steps = build_step_model(config, arrays_of(model), vocabulary_size=5, source="here")
    assert_steps_are_those_of(model, steps, tokens(num_streams), restart_at=7, tolerance=2e-5)


def test_where_nothing_is_predicted_the_state_goes_on_and_nothing_is_charged():
    model = mixed()
    targets = torch.full_like(tokens(), IGNORED)
    one_target = targets.clone()
    one_target[-1, 0] = 1
    with torch.no_grad():
        nothing, after = model.nats(tokens(), targets, model.initial_state(3))
        something, expected = model.nats(tokens(), one_target, model.initial_state(3))
    assert nothing.keys() == something.keys()
    assert all(not nats.any() and nats.shape == targets.shape for nats in nothing.values())
    assert all(torch.equal(one, other) for one, other in zip(after, expected, strict=True))


def test_reading_ahead_leaves_the_state_of_steps():
    steps = build_step_model(CONFIG, arrays_of(mixed()), vocabulary_size=5, source="here")
    assert_reading_leaves_the_state_of_steps(steps, TEXT[:40], tolerance=1e-6)


def test_arrays_bring_the_model_back():
    model = mixed()
    again = restore_model(CONFIG, arrays_of(model), vocabulary_size=5, source="here")
    with torch.no_grad():
        one, _ = model(tokens(), model.initial_state(3))
        other, _ = again.eval()(tokens(), again.initial_state(3))
    assert torch.equal(one, other)


def test_the_network_learns_as_if_it_were_alone_and_the_gate_learns_too():
    model = mixed().train()
    window = Lanes(TokenFile(TEXT), batch_size=4, sequence_length=16, random_length=False, seed=1).window(2)
    generator = torch.Generator()
    objective = MixtureLoss(cross_fit(counted().text))
    loss, state = objective(model, window, model.initial_state(4), generator)
    loss.minimized.backward()
    alone, _ = next_symbol_loss(network_of(model), window, model.network.initial_state(4), generator)
    assert loss.total_nats.item() == pytest.approx(alone.total_nats.item())
    gradients = torch.autograd.grad(alone.minimized, list(model.network.parameters()))
    for parameter, expected in zip(model.network.parameters(), gradients, strict=True):
        torch.testing.assert_close(parameter.grad, expected)
    assert all(parameter.grad.abs().sum() > 0 for parameter in model.gate.parameters())
    assert len(state) == len(model.initial_state(4))


def test_what_is_minimized_is_counted_at_the_right_places():
    model = mixed(LINEAR).train()
    held_out = cross_fit(counted().text)
    with torch.no_grad():
        model.gate.output.weight.zero_()
        model.gate.output.bias.fill_(-30.0)  # the n-grams alone
    lanes = Lanes(TokenFile(TEXT), batch_size=3, sequence_length=20, random_length=False, seed=1)
    total = 0.0
    state = model.initial_state(3)
    for index in range(lanes.windows_per_epoch):
        loss, state = MixtureLoss(held_out)(model, lanes.window(index), state, torch.Generator())
        total += (loss.minimized - loss.total_nats).item()
    chosen = np.take_along_axis(held_out.log_probabilities, TEXT[:, None].astype(np.int64), axis=1)
    assert total == pytest.approx(-chosen[1:].sum(), rel=1e-4)


def test_where_few_distributions_are_known_they_stand_for_the_whole_window():
    model = mixed().train()
    whole, few = cross_fit(counted().text), cross_fit(counted().text, most_places=100)
    window = Lanes(TokenFile(TEXT), batch_size=3, sequence_length=90, random_length=False, seed=1).window(0)
    losses = [MixtureLoss(each)(model, window, model.initial_state(3), torch.Generator())[0] for each in (whole, few)]
    first, second = ((loss.minimized - loss.total_nats).item() for loss in losses)
    assert first == pytest.approx(second, rel=0.1)
