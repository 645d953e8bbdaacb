"""The shapes that follow from a configuration, against those of the networks that torch builds of it."""

import numpy as np
import pytest

from charlm.cells import CELLS
from charlm.config import ModelConfig
from charlm.models.build import arrays_of, build_mixture, build_network
from charlm.ngrams.build import count_model
from charlm.stepping.shapes import state_shapes, weight_shapes

SETTINGS = [
    {},
    {"embedding_size": 3, "layer_norm": True},
    {"embedding_size": 3, "num_layers": 3, "residual": False},
    {"num_layers": 1, "layer_norm": True},
]
KINDS = [
    *({"cell": cell} for cell in CELLS),
    *({"cell": cell, "tie_weights": True, "embedding_size": None} for cell in CELLS),
    {"cell": "jordan", "feedback": "target"},
    {"model": "mlp", "window": 1},
    {"model": "mlp", "window": 5},
]


def build(kind, settings, mix="none"):
    config = ModelConfig.model_validate({"hidden_size": 4, "num_layers": 2, "mix": mix, **settings, **kind})
    model = build_network(config, vocabulary_size=6)
    if mix != "none":
        text = np.array([0, 1, 2, 3, 4, 5] * 5)
        counted = count_model(text, order=3, smoothing="kneser-ney", vocabulary_size=6)
        model = build_mixture(config, model, counted.model)
    return config, model


@pytest.mark.parametrize("mix", ["none", "ngram:3"])
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_weights_have_the_names_and_shapes_of_those_that_a_checkpoint_stores(kind, settings, mix):
    config, model = build(kind, settings, mix)
    stored = {name: each.shape for name, each in arrays_of(model).items() if not name.startswith("ngrams.")}
    assert weight_shapes(config, vocabulary_size=6) == stored


@pytest.mark.parametrize("mix", ["none", "ngram:3"])
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_states_have_the_shapes_and_types_that_a_network_starts_with(kind, mix):
    config, model = build(kind, {}, mix)
    first = {f"state.{index}": each.numpy() for index, each in enumerate(model.initial_state(3))}
    assert state_shapes(config, vocabulary_size=6, batch_size=3) == {
        name: (each.shape, each.dtype.name) for name, each in first.items()
    }


def test_ngram_models_have_no_weights_and_carry_their_contexts():
    config = ModelConfig(model="ngram", order=4)
    assert weight_shapes(config, vocabulary_size=6) == {}
    assert state_shapes(config, vocabulary_size=6, batch_size=2) == {"state.0": ((4, 2), "int64")}


@pytest.mark.parametrize("kind", [{"cell": cell} for cell in CELLS] + [{"model": "mlp", "window": 1024}], ids=str)
def test_networks_that_fit_no_memory_have_shapes_too(kind):
    config = ModelConfig.model_validate(
        {"hidden_size": 65536, "embedding_size": 65536, "num_layers": 256, "layer_norm": True} | kind
    )
    shapes = weight_shapes(config, vocabulary_size=1_000_000)
    assert shapes["output.weight"] == (1_000_000, 65536)
    assert shapes["norms.255.bias"] == (65536,)
