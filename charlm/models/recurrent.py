"""The recurrent language model: embedding, a stack of recurrent layers, output layer."""

from typing import Unpack

import torch
from torch import Tensor, nn

from charlm.cells import CELLS
from charlm.config import Cell, Nonlinearity
from charlm.models.base import State
from charlm.models.initialization import Initialization
from charlm.models.kernels.gru import GRU
from charlm.models.kernels.gru_reset_before import ResetBeforeGRU
from charlm.models.kernels.gru_simple import SimpleGRU
from charlm.models.kernels.lstm_peephole import PeepholeLSTM
from charlm.models.kernels.rnn import RNN
from charlm.models.stack import StackedNetwork, StackSettings, input_sizes


class RecurrentLanguageModel(StackedNetwork):
    """Predicts the next symbol from a vector that summarises all symbols so far.

    The layers are torch's own kernels where those are the fastest, one module a layer so that dropout,
    residual connections and normalisation fit between them. The state of an LSTM is `(h, c)`, of other
    cells `(h,)`, each `[layers, batch, hidden]`.

    Args:
        vocabulary_size: number of symbols.
        cell: LSTM (Hochreiter and Schmidhuber 1997, forget gates by Gers et al. 2000), GRU (Cho et
            al. 2014, reset gate after the product as in cuDNN), plain RNN (Elman 1990), or one of the
            variants in charlm/models/kernels.
        nonlinearity: activation of the plain RNN.
        initialization: how first weights are drawn.
        stack: sizes, dropouts, and what lies between the layers.
    """

    def __init__(
        self,
        vocabulary_size: int,
        *,
        cell: Cell = "lstm",
        nonlinearity: Nonlinearity = "tanh",
        initialization: Initialization | None = None,
        **stack: Unpack[StackSettings],
    ) -> None:
        hidden_size = stack["hidden_size"]
        layers = (_recurrent_layer(cell, size, hidden_size, nonlinearity) for size in input_sizes(stack))
        super().__init__(vocabulary_size, layers, stack)
        self.cell: Cell = cell
        self.initialization = initialization or Initialization()

    def forward(self, tokens: Tensor, state: State, generator: torch.Generator | None = None) -> tuple[Tensor, State]:
        """Returns the logits `[time, batch, vocabulary]` of each next symbol, and the state after the last.

        Args:
            tokens: symbols, int64 `[time, batch]`.
            state: tensors `[layers, batch, hidden]`.
            generator: source of the dropout masks, on the tokens' device; needed in training only.
        """
        outputs = self.embedding_dropout(self.embedding(tokens), generator)
        new_states = []
        for index, (layer, norm) in enumerate(zip(self.layers, self.norms, strict=True)):
            if index > 0:
                outputs = self.layer_dropout(outputs, generator)
            inputs = outputs
            before = tuple(part[index : index + 1] for part in state)
            outputs, after = layer(inputs, before if len(before) > 1 else before[0])
            new_states.append(after if len(before) > 1 else (after,))
            if self.residual and outputs.shape == inputs.shape:
                outputs = outputs + inputs
            outputs = norm(outputs)
        logits = self.output(self.output_dropout(outputs, generator))
        return logits, tuple(torch.cat(parts) for parts in zip(*new_states, strict=True))

    def initial_state(self, batch_size: int) -> State:
        """Returns zeros for every layer and sequence, on the model's device."""
        weight = self.output.bias
        shape = (len(self.layers), batch_size, self.hidden_size)
        return tuple(weight.new_zeros(shape) for _ in CELLS[self.cell].states)

    @torch.no_grad()
    def initialize(self, generator: torch.Generator) -> None:
        """Draws all weights anew; the layers' as the initialization says.

        The output matrix is Xavier-uniform (Glorot and Bengio 2010), the embedding normal with deviation 0.1.
        """
        nn.init.normal_(self.embedding.weight, std=0.1, generator=generator)
        if self.output.weight is not self.embedding.weight:
            nn.init.xavier_uniform_(self.output.weight, generator=generator)
        nn.init.zeros_(self.output.bias)
        for layer in self.layers:
            self.initialization.apply(layer, CELLS[self.cell], generator)


def _recurrent_layer(cell: Cell, input_size: int, hidden_size: int, nonlinearity: Nonlinearity) -> nn.Module:
    match cell:
        case "lstm":
            return nn.LSTM(input_size, hidden_size)
        case "lstm-peephole":
            return PeepholeLSTM(input_size, hidden_size)
        case "gru":
            return GRU(input_size, hidden_size)
        case "gru-reset-before":
            return ResetBeforeGRU(input_size, hidden_size)
        case "gru-simple":
            return SimpleGRU(input_size, hidden_size)
        case "rnn":
            return RNN(input_size, hidden_size, activation=nonlinearity)
        case "jordan" | "st-lstm":
            raise AssertionError(f"{cell} layers do not stand alone")
