"""The activations of an untrained recurrent layer after its only input."""

import torch

from charlm.cells import CELLS
from charlm.models.cells.rnn import RNN
from charlm.models.initialization import Initialization


@torch.no_grad()
def activation_norms(variance: float, *, units: int, symbols: int, seed: int) -> list[float]:
    """Returns the norm of a ReLU layer's hidden state after each symbol, relative to the norm after the first.

    The recurrent matrix has normal entries with variance `variance / units`, the bias is zero, and only the first
    symbol has an input. A ReLU halves the squared norm of values that are symmetric around zero. So a variance of
    2 / units preserves the norm (He et al. 2015); with a larger one activations explode, with a smaller one they
    vanish. The matrix and the input are drawn from `seed`.
    """
    generator = torch.Generator().manual_seed(seed)
    layer = RNN(units, units, nonlinearity="relu").double()
    Initialization("gaussian", variance).apply(layer, CELLS["rnn"], generator)
    torch.nn.init.eye_(layer.weight_ih_l0)
    inputs = torch.zeros(symbols, 1, units, dtype=torch.float64)
    inputs[0] = torch.randn(1, units, generator=generator, dtype=torch.float64)
    outputs, _ = layer(inputs, torch.zeros(1, 1, units, dtype=torch.float64))
    norms = outputs[:, 0].norm(dim=1)
    return [float(norm / norms[0]) for norm in norms]
