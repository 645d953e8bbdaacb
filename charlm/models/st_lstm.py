"""The spatiotemporal LSTM: each layer has a memory, and one more zigzags through all layers."""

from typing import Unpack, final

import torch
from torch import Tensor, nn

from charlm.models.base import State
from charlm.models.cells.st_lstm import LayerTensors, zigzag
from charlm.models.stack import StackedNetwork, StackSettings, input_sizes

FORGET_BIAS, SHARED_FORGET_BIAS = 1.0, -2.0
"""Of the forget gates of a layer's own memory and of the shared one."""


@final
class SpatiotemporalLSTM(nn.Module):
    """One layer's step, in dense form (Wang et al. 2017, PredRNN, equations 4 and 5).

        g = tanh(W_g x + U_g h + b_g), i, f likewise with the logistic function
        c' = f * c + i * g
        g~ = tanh(W~_g x + M_g m + b~_g), i~, f~ likewise with the logistic function
        m' = f~ * m + i~ * g~
        o = sigmoid(W_o x + U_o h + C_o c' + M_o m' + b_o)
        h' = o * tanh(K [c', m'])

    Order of the gates in `inputs`: i, f, g, o, i~, f~, g~; in `states`: i, f, g, o; in `shared`: i~, f~, g~; in
    `memories`, whose input is [c', m']: o, then K.
    """

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.inputs = nn.Linear(input_size, 7 * hidden_size)
        self.states = nn.Linear(hidden_size, 4 * hidden_size, bias=False)
        self.shared = nn.Linear(hidden_size, 3 * hidden_size, bias=False)
        self.memories = nn.Linear(2 * hidden_size, 2 * hidden_size, bias=False)

    def parameters_with(self, norm: nn.Module) -> LayerTensors:
        """Returns the parameters of the layer and of the norm after it, as the kernel takes them."""
        matrices = self.inputs.weight, self.states.weight, self.shared.weight, self.memories.weight
        normed = (norm.weight, norm.bias) if isinstance(norm, nn.LayerNorm) else (None, None)
        return *matrices, self.inputs.bias, *normed

    @torch.no_grad()
    def initialize(self, generator: torch.Generator) -> None:
        """Draws all weights anew, as those of an LSTM, which a layer is at first: h' = o * tanh(c').

        Nothing sees the shared memory yet, and it forgets most of itself. Otherwise it feeds itself without an output
        gate between, and grows until all its gates are saturated and learn no more (docs/experiments.md). Matrices of
        inputs are Xavier-uniform, those of states orthogonal, gate by gate.
        """
        hidden = self.states.weight.shape[1]
        for gate in torch.split(self.inputs.weight, hidden):
            nn.init.xavier_uniform_(gate, generator=generator)
        for gate in torch.split(self.states.weight, hidden):
            nn.init.orthogonal_(gate, generator=generator)
        for zeros in (self.shared.weight, self.memories.weight, self.inputs.bias):
            nn.init.zeros_(zeros)
        self.memories.weight[hidden:, :hidden].fill_diagonal_(1.0)
        for place, bias in ((1, FORGET_BIAS), (5, SHARED_FORGET_BIAS)):
            self.inputs.bias[place * hidden : (place + 1) * hidden] = bias


@final
class SpatiotemporalLanguageModel(StackedNetwork):
    """Embedding, a stack of spatiotemporal LSTM layers, output layer.

    The shared memory goes up through the layers at each symbol and from the highest to the lowest one of the
    next, so that all layers take a symbol before any takes the next one. The state is `(h, c, m)`, h and c
    `[layers, batch, hidden]`, m `[1, batch, hidden]`.

    """

    def __init__(self, vocabulary_size: int, **stack: Unpack[StackSettings]) -> None:
        layers = (SpatiotemporalLSTM(size, stack["hidden_size"]) for size in input_sizes(stack))
        super().__init__(vocabulary_size, layers, stack)

    def forward(self, tokens: Tensor, state: State, generator: torch.Generator | None = None) -> tuple[Tensor, State]:
        """Returns the logits, and the new h, c and m."""
        embedded = self.embedding_dropout(self.embedding(tokens), generator)
        layers = []
        for layer, norm in zip(self.layers, self.norms, strict=True):
            assert isinstance(layer, SpatiotemporalLSTM)
            layers.append(layer.parameters_with(norm))
        masks = []
        if self.training and self.layer_dropout.probability > 0.0:
            ones = embedded.new_ones(*embedded.shape[:2], self.hidden_size)
            masks = [self.layer_dropout(ones, generator) for _ in layers[1:]]
        tops, kept = zigzag(embedded, state, layers, masks, residual=self.residual)
        logits = self.output(self.output_dropout(tops, generator))
        return logits, tuple(each.to(before.dtype) for each, before in zip(kept, state, strict=True))

    def initial_state(self, batch_size: int) -> State:
        """Returns zeros, on the model's device."""
        shape = (len(self.layers), batch_size, self.hidden_size)
        zeros = self.output.bias.new_zeros
        return zeros(shape), zeros(shape), zeros((1, *shape[1:]))

    def initialize(self, generator: torch.Generator) -> None:
        """Draws all weights anew."""
        self.initialize_ends(generator)
        for layer in self.layers:
            assert isinstance(layer, SpatiotemporalLSTM)
            layer.initialize(generator)
