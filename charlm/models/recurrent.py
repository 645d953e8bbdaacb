"""The recurrent language model: embedding, a stack of recurrent layers, output layer."""

from collections.abc import Mapping
from pkgutil import resolve_name
from threading import Semaphore
from typing import Any, Unpack, final

import torch
from torch import Tensor, nn

from charlm.cells import CELLS
from charlm.models.base import State
from charlm.models.cells.gru import GRU
from charlm.models.initialization import Initialization
from charlm.models.lane_groups import Workers
from charlm.models.stack import StackedNetwork, StackSettings, input_sizes
from charlm.models.weight_drop import dropped

PIECE = 512
"""Symbols of one sequence that a layer reads at once, while another reads those before or after."""


@final
class RecurrentLanguageModel(StackedNetwork):
    """Predicts the next symbol from a vector that summarises all symbols so far.

    The layers are one module each, so that dropout, residual connections and normalisation fit between them. The
    state has as many tensors as the cell has states, `[layers, batch, hidden]` each.

    Args:
        cell: name of a recurrent cell that stands alone; its equations are in its file in charlm/models/cells.
        settings: those that the cell takes.
        initialization: how first weights are drawn.
        weight_drop: share of the recurrent weights that are dropped in training, others in each window.
    """

    def __init__(
        self,
        vocabulary_size: int,
        *,
        cell: str = "lstm",
        settings: Mapping[str, Any] | None = None,
        initialization: Initialization | None = None,
        weight_drop: float = 0.0,
        **stack: Unpack[StackSettings],
    ) -> None:
        row = CELLS[cell]
        make_layer: type[nn.Module] = resolve_name(row.layer)
        layers = (make_layer(size, stack["hidden_size"], **(settings or {})) for size in input_sizes(stack))
        super().__init__(vocabulary_size, layers, stack)
        self.cell = cell
        self.num_states = len(row.states)
        self.initialization = initialization or Initialization()
        self.weight_drop = weight_drop

    def forward(self, tokens: Tensor, state: State, generator: torch.Generator | None = None) -> tuple[Tensor, State]:
        """Returns the logits and the new state."""
        outputs = self.embedding_dropout(self.embedding(tokens), generator)
        states = _by_layer(state)
        for index, before in enumerate(states):
            if index > 0:
                outputs = self.layer_dropout(outputs, generator)
            layer = self.layers[index]
            if self.training and self.weight_drop > 0.0:
                layer = dropped(layer, self.weight_drop, generator)
            symbols = tokens if index == 0 and self._can_read_symbols(tokens, layer) else None
            outputs, states[index] = self._read_layer(index, outputs, before, layer, symbols=symbols)
        return self.output(self.output_dropout(outputs, generator)), _joined(states)

    def read(self, tokens: Tensor, state: State, *, workers: Workers | None = None) -> tuple[Tensor, State]:
        """Returns what `forward` returns in evaluation mode; of one sequence, layers are computed side by side.

        The sequence is read in pieces. While a layer reads a piece, the one above it reads one before.
        """
        if workers is None or tokens.shape[1] > 1:
            return super().read(tokens, state)
        pieces, states = list(self.embedding(tokens).split(PIECE)), _by_layer(state)
        are_read = [Semaphore(0) for _ in states]

        def read_pieces(index: int) -> None:
            try:
                for number in range(len(pieces)):
                    if index > 0:
                        are_read[index - 1].acquire()
                    pieces[number], states[index] = self._read_layer(
                        index, pieces[number], states[index], self.layers[index]
                    )
                    are_read[index].release()
            finally:
                # After an error the layer above must not wait for ever.
                are_read[index].release(len(pieces))

        workers.map(read_pieces, range(len(states)), work=len(tokens))
        return self.output(torch.cat(pieces)), _joined(states)

    def _can_read_symbols(self, tokens: Tensor, layer: nn.Module) -> bool:
        """Returns whether the lowest layer's inputs are embeddings as they are, and symbols save multiplications.

        Three products with the inputs become three with the embedding, and one that adds up gradients by symbol.
        """
        is_dropped = self.training and self.embedding_dropout.probability > 0.0
        num_inputs, size = tokens.numel(), self.embedding.embedding_dim
        is_less = self.vocabulary_size * (num_inputs + 3 * size) < 3 * num_inputs * size
        return isinstance(layer, GRU) and tokens.device.type == "cpu" and is_less and not is_dropped

    def _read_layer(
        self, index: int, inputs: Tensor, before: State, layer: nn.Module, *, symbols: Tensor | None = None
    ) -> tuple[Tensor, State]:
        """Returns the outputs and the state after them; a layer that can be given `symbols` needs no inputs."""
        state = before if len(before) > 1 else before[0]
        if symbols is None:
            outputs, after = layer(inputs, state)
        else:
            assert isinstance(layer, GRU)
            outputs, after = layer.read_symbols(symbols, self.embedding.weight, before[0])
        if self.residual and outputs.shape == inputs.shape:
            outputs = outputs + inputs
        return self.norms[index](outputs), after if len(before) > 1 else (after,)

    def initial_state(self, batch_size: int) -> State:
        """Returns zeros for every layer and sequence, on the model's device."""
        weight = self.output.bias
        shape = (len(self.layers), batch_size, self.hidden_size)
        return tuple(weight.new_zeros(shape) for _ in range(self.num_states))

    def initialize(self, generator: torch.Generator) -> None:
        """Draws all weights anew, the layers' as the initialization says."""
        self.initialize_ends(generator)
        for layer in self.layers:
            self.initialization.apply(layer, CELLS[self.cell], generator)


def _by_layer(state: State) -> list[State]:
    return [tuple(part[index : index + 1] for part in state) for index in range(len(state[0]))]


def _joined(states: list[State]) -> State:
    return tuple(torch.cat(parts) for parts in zip(*states, strict=True))
