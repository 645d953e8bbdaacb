"""A small network, counts, and both mixed, with weights that are anything but as usual."""

import numpy as np
import torch

from charlm.cells import cell_names
from charlm.config import ModelConfig
from charlm.models.base import LanguageModel
from charlm.models.build import build_mixture, build_network
from charlm.models.ngram import NgramLanguageModel
from charlm.ngrams.build import count_model
from tests.support.small_networks import NUM_SYMBOLS, draw_weights

NETWORKS = (*cell_names(), "mlp")
KINDS = ("lstm", "ngram", "lstm+ngram")


def small_model(kind: str = "lstm+ngram") -> LanguageModel:
    """Returns a model of `NUM_SYMBOLS` symbols in evaluation mode: a network, "ngram", or a network and "+ngram"."""
    cell = kind.removesuffix("+ngram")
    text = np.random.default_rng(1).choice(NUM_SYMBOLS, size=300, p=[0.4, 0.3, 0.15, 0.1, 0.05]).astype(np.uint8)
    counted = count_model(text, order=3, smoothing="kneser-ney", vocabulary_size=NUM_SYMBOLS).model
    if kind == "ngram":
        return NgramLanguageModel(counted)
    mix = {"mix": "ngram:3", "mixing": "log-linear"} if kind.endswith("+ngram") else {}
    config = ModelConfig(
        **{"model": "mlp", "num_layers": 1} if cell == "mlp" else {"cell": cell, "num_layers": 2},
        hidden_size=6,
        embedding_size=6,
        **mix,
    )
    network = build_network(config, vocabulary_size=NUM_SYMBOLS)
    model = build_mixture(config, network, counted) if mix else network
    model.initialize(torch.Generator().manual_seed(1))
    draw_weights(network, deviation=0.7)
    return model.eval()
