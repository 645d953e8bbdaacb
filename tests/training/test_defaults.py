import pytest

from charlm.config import ModelConfig
from charlm.training.defaults import default_dropout, default_learning_rate


@pytest.mark.parametrize(
    ("epochs", "dropout"), [(0.1, 0), (2, 0), (3, 0.025), (4, 0.05), (10, 0.05), (18, 0.11), (30, 0.2), (1000, 0.25)]
)
def test_dropout_grows_with_the_number_of_epochs(epochs, dropout):
    assert default_dropout(epochs) == pytest.approx(dropout)


@pytest.mark.parametrize(
    ("cell", "width", "rate"), [("lstm", 8, 0.05), ("lstm", 192, 0.03), ("lstm", 768, 0.0106), ("gru", 192, 0.012)]
)
def test_wider_models_learn_more_slowly_by_default(cell, width, rate):
    assert default_learning_rate(ModelConfig(cell=cell), width) == pytest.approx(rate)
