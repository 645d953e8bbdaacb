"""How the activations of an untrained recurrent layer go on when nothing more comes in."""

import torch

from charlm.cells import CELLS
from charlm.models.cells.rnn import RNN
from charlm.models.initialization import Initialization


@torch.no_grad()
def activation_norms(variance: float, *, units: int, symbols: int, seed: int) -> list[float]:
    """Returns the norm of the hidden state of a ReLU layer after each symbol, as a share of the first.

    Its recurrent matrix is normal with variance `variance / units`, its bias zero, and there is an input at the
    first symbol only. A ReLU halves the squared norm of what is symmetric around zero, so that a variance of
    2 / units keeps it (He et al. 2015); with more activations explode, with less they die out.

    Args:
        variance: k.
        seed: of the matrix and the input.
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
