"""The network that labels examples: embedding, recurrent layers in one or both directions, and a head."""

from collections.abc import Mapping
from pkgutil import resolve_name
from typing import Any, Unpack, final

import torch
from torch import Tensor, nn

from charlm.cells import CELLS
from charlm.models.base import Network, State
from charlm.models.initialization import Initialization
from charlm.models.stack import Dropout, StackSettings
from charlm.stepping.shapes import POOLED_PARTS
from charlm.tasks import Direction, Outputs, num_directions

_PADDING = 0
"""The symbol after the end of an example; it is also the one that an example begins with."""


@final
class LabellingNetwork(Network):
    """Predicts a label for each symbol of an example, or one for all of it.

    Each layer reads the whole output of the one below, forward and, with direction "both", also backward (Schuster and
    Paliwal 1997); the outputs of both stand side by side. Symbols after the end of an example are never read. A pooled
    head sees the last output of each direction, the largest and the mean of all outputs (Howard and Ruder 2018).

    A network of whole examples carries no state.

    Args:
        vocabulary_size: number of symbols that are read.
        outputs: the labels that are predicted.
        cell: name of a recurrent cell that stands alone.
        settings: those that the cell takes.
        initialization: how first weights are drawn.
    """

    def __init__(
        self,
        vocabulary_size: int,
        *,
        outputs: Outputs,
        direction: Direction,
        cell: str = "lstm",
        settings: Mapping[str, Any] | None = None,
        initialization: Initialization | None = None,
        **stack: Unpack[StackSettings],
    ) -> None:
        super().__init__()
        hidden_size, num_layers = stack["hidden_size"], stack["num_layers"]
        row, width = CELLS[cell], hidden_size * num_directions(direction)
        make_layer: type[nn.Module] = resolve_name(row.layer)
        sizes = [stack["embedding_size"]] + [width] * (num_layers - 1)

        def make_layers() -> nn.ModuleList:
            return nn.ModuleList(make_layer(size, hidden_size, **(settings or {})) for size in sizes)

        self.vocabulary_size = vocabulary_size
        self.cell, self.num_states, self.hidden_size = cell, len(row.states), hidden_size
        self.is_pooled = outputs.head == "pooled"
        self.residual = stack.get("residual", False)
        self.initialization = initialization or Initialization()
        self.embedding = nn.Embedding(vocabulary_size, stack["embedding_size"])
        self.layers = make_layers()
        self.backward_layers = make_layers() if direction == "both" else None
        has_norms = stack.get("layer_norm", False)
        self.norms = nn.ModuleList(nn.LayerNorm(width) if has_norms else nn.Identity() for _ in sizes)
        self.output = nn.Linear(width * (POOLED_PARTS if self.is_pooled else 1), outputs.number)
        variational = stack.get("variational", False)
        self.embedding_dropout = Dropout(stack.get("embedding_dropout", 0.0), over_time=variational)
        self.layer_dropout = Dropout(stack.get("layer_dropout", 0.0), over_time=variational)
        self.output_dropout = Dropout(stack.get("output_dropout", 0.0), over_time=variational)

    def forward(self, tokens: Tensor, state: State, generator: torch.Generator | None = None) -> tuple[Tensor, State]:
        """Returns the logits of each label: `[time, batch, labels]`, or pooled `[1, batch, labels]`.

        Args:
            tokens: the examples, int64 `[time, batch]`, padded with symbol 0.
            state: nothing, and nothing is returned for it.
        """
        present = tokens != _PADDING
        present[0] = True
        lengths = present.sum(dim=0)
        outputs = self.embedding_dropout(self.embedding(tokens), generator)
        for index in range(len(self.layers)):
            inputs = self.layer_dropout(outputs, generator) if index > 0 else outputs
            outputs = self._read_layer(index, inputs, lengths)
            if self.residual and outputs.shape == inputs.shape:
                outputs = outputs + inputs
            outputs = self.norms[index](outputs)
        if self.is_pooled:
            outputs = self._pool(outputs, present, lengths)
        return self.output(self.output_dropout(outputs, generator)), state

    def _read_layer(self, index: int, inputs: Tensor, lengths: Tensor) -> Tensor:
        backward = None if self.backward_layers is None else self.backward_layers[index]
        return read_both_ways(self.layers[index], backward, inputs, lengths, self._first_state(inputs))

    def _first_state(self, inputs: Tensor) -> Any:
        zeros = inputs.new_zeros(1, inputs.shape[1], self.hidden_size)
        return (zeros,) * self.num_states if self.num_states > 1 else zeros

    def _pool(self, outputs: Tensor, present: Tensor, lengths: Tensor) -> Tensor:
        """Returns the last, the largest and the mean output of each example, `[1, batch, 3 * width]`."""
        lanes = torch.arange(outputs.shape[1], device=outputs.device)
        last = outputs[lengths - 1, lanes]
        if self.backward_layers is not None:
            # Read backward, the first symbol is the last.
            last = torch.cat([last[:, : self.hidden_size], outputs[0, :, self.hidden_size :]], dim=-1)
        largest = outputs.masked_fill(~present[..., None], -torch.inf).amax(dim=0)
        mean = outputs.masked_fill(~present[..., None], 0.0).sum(dim=0) / lengths[:, None]
        return torch.cat([last, largest, mean], dim=-1)[None]

    def initial_state(self, batch_size: int) -> State:
        """Returns no state: examples are read whole."""
        return ()

    @torch.no_grad()
    def initialize(self, generator: torch.Generator) -> None:
        """Draws all weights anew: the embedding normal with deviation 0.1, the output matrix Xavier-uniform."""
        nn.init.normal_(self.embedding.weight, std=0.1, generator=generator)
        nn.init.xavier_uniform_(self.output.weight, generator=generator)
        nn.init.zeros_(self.output.bias)
        for layer in (*self.layers, *(self.backward_layers or ())):
            self.initialization.apply(layer, CELLS[self.cell], generator)


def read_both_ways(
    forward: nn.Module, backward: nn.Module | None, inputs: Tensor, lengths: Tensor, before: Any
) -> Tensor:
    """Returns the outputs of a layer that reads forward, and beside them those of one that reads backward.

    Args:
        inputs: `[time, batch, inputs]`.
        lengths: of the sequences, int64 `[batch]`; what is after them is never read before them.
        before: the state of either before its first symbol.
    """
    outputs: Tensor = forward(inputs, before)[0]
    if backward is None:
        return outputs
    order = reversal(lengths, len(inputs))
    reversed_outputs, _ = backward(_reordered(inputs, order), before)
    return torch.cat([outputs, _reordered(reversed_outputs, order)], dim=-1)


def reversal(lengths: Tensor, longest: int) -> Tensor:
    """Returns for each place the one to read there so that each sequence is reversed and its padding stays.

    Args:
        lengths: of the sequences, int64 `[batch]`.
        longest: the places of each, padding included.

    Returns:
        int64 `[longest, batch]`; reversing twice changes nothing.
    """
    places = torch.arange(longest, device=lengths.device)[:, None]
    return torch.where(places < lengths, lengths - 1 - places, places)


def _reordered(inputs: Tensor, order: Tensor) -> Tensor:
    return inputs.gather(0, order[..., None].expand_as(inputs))
