"""The recurrent language model: embedding, a stack of recurrent layers, output layer."""

from collections.abc import Mapping
from pkgutil import resolve_name
from typing import Any, Unpack, final

import torch
from torch import Tensor, nn

from charlm.cells import CELLS
from charlm.models.base import State
from charlm.models.initialization import Initialization
from charlm.models.stack import StackedNetwork, StackSettings, input_sizes


@final
class RecurrentLanguageModel(StackedNetwork):
    """Predicts the next symbol from a vector that summarises all symbols so far.

    The layers are one module each, so that dropout, residual connections and normalisation fit between them. The
    state has as many tensors as the cell has states, `[layers, batch, hidden]` each.

    Args:
        cell: name of a recurrent cell that stands alone; its equations are in its file in charlm/models/cells.
        settings: those that the cell takes.
        initialization: how first weights are drawn.
    """

    def __init__(
        self,
        vocabulary_size: int,
        *,
        cell: str = "lstm",
        settings: Mapping[str, Any] | None = None,
        initialization: Initialization | None = None,
        **stack: Unpack[StackSettings],
    ) -> None:
        row = CELLS[cell]
        make_layer: type[nn.Module] = resolve_name(row.layer)
        layers = (make_layer(size, stack["hidden_size"], **(settings or {})) for size in input_sizes(stack))
        super().__init__(vocabulary_size, layers, stack)
        self.cell = cell
        self.num_states = len(row.states)
        self.initialization = initialization or Initialization()

    def forward(self, tokens: Tensor, state: State, generator: torch.Generator | None = None) -> tuple[Tensor, State]:
        """Returns the logits and the new state."""
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
        return tuple(weight.new_zeros(shape) for _ in range(self.num_states))

    def initialize(self, generator: torch.Generator) -> None:
        """Draws all weights anew, the layers' as the initialization says."""
        self.initialize_ends(generator)
        for layer in self.layers:
            self.initialization.apply(layer, CELLS[self.cell], generator)
