import pytest

from charlm.config import ModelConfig
from charlm.models.build import build_network
from charlm.training.defaults import (
    default_dropout,
    default_dropout_of_examples,
    default_learning_rate,
    hidden_weights,
)


@pytest.mark.parametrize(
    ("epochs", "dropout"), [(0.1, 0), (2, 0), (3, 0.025), (4, 0.05), (10, 0.05), (18, 0.11), (30, 0.2), (1000, 0.25)]
)
def test_dropout_of_examples_grows_with_the_number_of_epochs(epochs, dropout):
    assert default_dropout_of_examples(epochs) == pytest.approx(dropout)


@pytest.mark.parametrize(
    ("epochs", "weights_per_symbol", "dropout"),
    [
        # A small network, however often it reads.
        (0.1, 1.0, 0.0),
        (2.0, 1.0, 0.0),
        (3.0, 1.0, 0.025),
        (4.0, 1.0, 0.05),
        (40.0, 0.2, 0.05),
        # 0.1 for each doubling beyond 8 weights that read each symbol once.
        (10.0, 1.6, 0.1),
        (20.0, 1.6, 0.2),
        (20.0, 3.2, 0.3),
        (40.0, 3.2, 0.4),
        (40.0, 100.0, 0.4),
        # What is hardly read again is not memorised.
        (1.0, 1000.0, 0.0),
        (3.0, 1000.0, 0.025),
        (5.0, 1000.0, 0.05),
        (7.0, 1000.0, 0.15),
        (12.0, 1000.0, 0.4),
    ],
)
def test_dropout_grows_with_epochs_and_weights(epochs, weights_per_symbol, dropout):
    assert default_dropout(epochs, weights_per_symbol=weights_per_symbol) == pytest.approx(dropout)


def test_hidden_weights_are_those_of_the_layers_matrices():
    lstm = ModelConfig(hidden_size=6, num_layers=2, embedding_size=6)
    network = build_network(lstm, vocabulary_size=5)
    names = ("weight_ih", "weight_hh")
    counted = sum(each.numel() for name, each in network.named_parameters() if any(part in name for part in names))
    assert hidden_weights(lstm) == counted == 2 * 8 * 36
    assert hidden_weights(ModelConfig(cell="gru", hidden_size=6, num_layers=1)) == 6 * 36
    assert hidden_weights(ModelConfig(model="mlp", hidden_size=6, num_layers=3)) == 3 * 2 * 36


@pytest.mark.parametrize(
    ("cell", "width", "rate"), [("lstm", 8, 0.05), ("lstm", 192, 0.03), ("lstm", 768, 0.0106), ("gru", 192, 0.012)]
)
def test_wider_models_learn_more_slowly_by_default(cell, width, rate):
    assert default_learning_rate(ModelConfig(cell=cell), width) == pytest.approx(rate)
