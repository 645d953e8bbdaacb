"""The LSTM layer: torch's own, which is the fastest on every device."""

from typing import final

from torch import nn


@final
class LSTM(nn.LSTM):
    """One LSTM layer (Hochreiter and Schmidhuber 1997, forget gates by Gers et al. 2000).

    i = sigmoid(W_i x + b_i + U_i h + d_i)
    f = sigmoid(W_f x + b_f + U_f h + d_f)
    g = tanh(W_g x + b_g + U_g h + d_g)
    o = sigmoid(W_o x + b_o + U_o h + d_o)
    c' = f * c + i * g
    h' = o * tanh(c')

    Order of the gates: i, f, g, o.
    """
