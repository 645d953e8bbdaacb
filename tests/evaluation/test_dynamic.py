import itertools

import numpy as np
import pytest
import torch

from charlm.data.tokenfile import TokenFile
from charlm.evaluation.dynamic import WINDOW, DynamicReader, DynamicSettings, gradient_sizes
from charlm.evaluation.windows import stream_windows, warm_windows
from charlm.models.mixture import network_of
from tests.support.small_models import NETWORKS, NUM_SYMBOLS, small_model

TEXT = TokenFile(np.random.default_rng(2).integers(0, NUM_SYMBOLS, 120).astype(np.uint8))
LENGTH = 6
SETTINGS = DynamicSettings(rate=0.02, decay=0.01)


def windows(text=TEXT, *, length=LENGTH):
    return stream_windows(text, length=length)


def sizes_of(model):
    return gradient_sizes(model, windows())


def log_probabilities(reader, read_windows):
    """What the network predicts of all of a text, `[time, vocabulary]`."""
    return torch.cat([reader.read(window).log_probabilities[0][:, 0] for window in read_windows])


def static(model):
    parts, _ = model.parts(next(windows(length=len(TEXT))).inputs, model.initial_state(1))
    return parts


@pytest.mark.parametrize("kind", [*NETWORKS, "lstm+ngram"])
def test_a_network_that_does_not_move_predicts_as_it_does(kind):
    model = small_model(kind)
    reader = DynamicReader(model, sizes_of(model), DynamicSettings(rate=0.0))
    read = [reader.read(window) for window in windows()]
    expected = static(model)
    for index, each in enumerate(expected.log_probabilities):
        together = torch.cat([parts.log_probabilities[index] for parts in read])
        torch.testing.assert_close(together, each.detach(), rtol=1e-4, atol=1e-5)
    if expected.totals is not None:
        assert np.array_equal(np.concatenate([parts.totals for parts in read]), expected.totals)


@pytest.mark.parametrize("kind", [*NETWORKS, "lstm+ngram"])
def test_the_trained_model_is_untouched(kind):
    model = small_model(kind)
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    reader = DynamicReader(model, sizes_of(model), SETTINGS)
    moved = log_probabilities(reader, windows())
    assert not torch.allclose(moved, static(model).log_probabilities[0][:, 0], atol=1e-3)
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())
    assert not any(parameter.requires_grad for parameter in model.parameters())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_window_is_predicted_before_its_targets_are_learnt():
    model = small_model()
    first, second, third = itertools.islice(windows(), 3)
    changed = torch.zeros_like(second.targets)
    assert not torch.equal(changed, second.targets)
    other = type(second)(second.inputs, changed, fresh=False, num_targets=second.num_targets)
    sizes = sizes_of(model)
    one, another = (DynamicReader(model, sizes, SETTINGS) for _ in range(2))
    read = [one.read(window).log_probabilities[0] for window in (first, second, third)]
    read_other = [another.read(window).log_probabilities[0] for window in (first, other, third)]
    assert torch.equal(read[0], read_other[0])
    assert torch.equal(read[1], read_other[1])
    assert not torch.equal(read[2], read_other[2])


def test_longer_windows_change_nothing():
    model = small_model("lstm+ngram")
    sizes = sizes_of(model)
    network, ngrams, totals = [], [], []
    for length in (WINDOW, 2 * WINDOW):
        reader = DynamicReader(model, sizes, SETTINGS, length=length)
        read = [reader.read(window) for window in windows(length=length)]
        network.append(torch.cat([parts.log_probabilities[0] for parts in read]))
        ngrams.append(torch.cat([parts.log_probabilities[1] for parts in read]))
        totals.append(np.concatenate([parts.totals for parts in read]))
    assert torch.equal(*network)
    assert torch.equal(*ngrams)
    assert np.array_equal(*totals)


@pytest.mark.parametrize("rate", [1.0, 1e30])
def test_a_network_that_learning_has_spoilt_is_the_trained_one_again(rate):
    model = small_model("lstm")
    reader = DynamicReader(model, sizes_of(model), DynamicSettings(rate=rate))
    read = [reader.read(window).log_probabilities[0] for window in windows()]
    assert all(bool(torch.isfinite(each).all()) for each in read)
    assert not torch.equal(torch.cat(read)[:, 0], static(model).log_probabilities[0][:, 0])


def test_a_step_by_the_rule():
    model = small_model("lstm")
    sizes = sizes_of(model)
    first, second, _ = itertools.islice(windows(), 3)
    reader = DynamicReader(model, sizes, SETTINGS)
    reader.read(first)
    found = reader.read(second).log_probabilities[0]

    weights = dict(model.named_parameters())
    # From the trained weights there is nothing to go back to.
    logits, state = model(first.inputs, model.initial_state(1))
    nats = torch.nn.functional.cross_entropy(logits[:, 0], first.targets[:, 0])
    gradients = dict(zip(weights, torch.autograd.grad(nats, list(weights.values())), strict=True))
    mean = torch.cat([size.flatten() for size in sizes.values()]).square().mean().sqrt()
    with torch.no_grad():
        for name, weight in weights.items():
            weight -= SETTINGS.rate * gradients[name] / (sizes[name] + SETTINGS.epsilon * mean)
        logits, _ = model(second.inputs, tuple(each.detach() for each in state))
    torch.testing.assert_close(found, logits.log_softmax(-1), rtol=1e-4, atol=1e-5)


def test_weights_are_drawn_back_to_the_trained_ones():
    model = small_model("lstm")
    trained = log_probabilities(DynamicReader(model, sizes_of(model), DynamicSettings(rate=0.0)), windows())
    distances = []
    for decay in (0.0, 0.05, 0.5):
        reader = DynamicReader(model, sizes_of(model), DynamicSettings(rate=0.02, decay=decay))
        distances.append(float((log_probabilities(reader, windows()) - trained).abs().mean()))
    assert distances[0] > distances[1] > distances[2] > 0.0


@pytest.mark.parametrize("kind", ["lstm", "gru", "lstm+ngram"])
def test_a_repeated_text_gets_cheaper(kind):
    model = small_model(kind)
    text = TokenFile(np.resize(np.array([0, 3, 1, 4, 2], dtype=np.uint8), 400))
    reader = DynamicReader(model, gradient_sizes(model, windows(text)), SETTINGS)
    nats = []
    for window in windows(text):
        predicted = reader.read(window).log_probabilities[0]
        nats.append(-float(predicted.gather(-1, window.targets[..., None]).mean()))
    assert np.mean(nats[-10:]) < 0.7 * np.mean(nats[:10])


@pytest.mark.parametrize("kind", [*NETWORKS, "lstm+ngram"])
def test_gradient_sizes_are_root_mean_squares(kind):
    model = small_model(kind).requires_grad_(False)
    network = network_of(model)
    fresh = [window for window in warm_windows(TEXT, num_lanes=20, warmup=0, length=LENGTH) if window.fresh]
    (window,) = fresh
    found = gradient_sizes(model, fresh)
    assert not any(parameter.requires_grad for parameter in model.parameters())
    network.requires_grad_(True)
    logits, _ = network(window.inputs, network.initial_state(window.inputs.shape[1]))
    nats = torch.nn.functional.cross_entropy(logits.flatten(0, 1), window.targets.flatten())
    names, weights = zip(*network.named_parameters(), strict=True)
    for name, gradient in zip(names, torch.autograd.grad(nats, weights), strict=True):
        torch.testing.assert_close(found[name], gradient.abs(), rtol=1e-3, atol=1e-7)
    twice = gradient_sizes(model, fresh * 2)
    assert all(torch.allclose(twice[name], size, atol=1e-7) for name, size in found.items())
    assert all(
        torch.equal(size, found[name]) for name, size in gradient_sizes(model, fresh * 3, most_windows=1).items()
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda sizes: sizes | {"output.weight": sizes["output.weight"][1:]},
        lambda sizes: sizes | {"output.weight": sizes["output.weight"] * float("nan")},
        lambda sizes: sizes | {"output.weight": -sizes["output.weight"]},
        lambda sizes: sizes | {"output.weight": sizes["output.weight"] * 1e38},
        lambda sizes: {name: torch.zeros_like(size) for name, size in sizes.items()},
        lambda sizes: {name: size.long() for name, size in sizes.items()},
        lambda sizes: {name: size for name, size in sizes.items() if name != "output.weight"},
    ],
)
def test_sizes_of_other_gradients_are_refused(change):
    model = small_model("lstm")
    with pytest.raises(ValueError, match="gradient"):
        DynamicReader(model, change(sizes_of(model)), SETTINGS)
