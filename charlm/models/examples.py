"""What networks of whole examples share: an embedding, and recurrent layers that read in one or both directions."""

from abc import ABC
from collections.abc import Iterable, Mapping
from pkgutil import resolve_name
from typing import Any, Unpack

import torch
from torch import Tensor, nn

from charlm.cells import CELLS
from charlm.models.base import Network, State
from charlm.models.initialization import Initialization
from charlm.models.stack import Dropout, StackSettings
from charlm.tasks import Direction, num_directions


class ExampleNetwork(Network, ABC):
    """A network that reads an example whole, and carries no state.

    Each layer reads the whole output of the one below, forward and, with direction "both", also backward (Schuster and
    Paliwal 1997); the outputs of both stand side by side.

    Args:
        vocabulary_size: number of symbols that are read.
        cell: name of a recurrent cell that stands alone.
        settings: those that the cell takes.
        initialization: how first weights are drawn.

    Attributes:
        width: numbers that a layer says of each symbol.
    """

    def __init__(
        self,
        vocabulary_size: int,
        *,
        direction: Direction,
        cell: str = "lstm",
        settings: Mapping[str, Any] | None = None,
        initialization: Initialization | None = None,
        **stack: Unpack[StackSettings],
    ) -> None:
        super().__init__()
        row = CELLS[cell]
        self.vocabulary_size = vocabulary_size
        self.cell, self.num_states, self.hidden_size = cell, len(row.states), stack["hidden_size"]
        self.width = self.hidden_size * num_directions(direction)
        self.residual = stack.get("residual", False)
        self.initialization = initialization or Initialization()
        self._sizes = (stack["embedding_size"], stack["num_layers"])
        self._layer_type: type[nn.Module] = resolve_name(row.layer)
        self._settings = settings or {}
        self.embedding = nn.Embedding(vocabulary_size, stack["embedding_size"])
        self.layers = self.make_layers(self.width)
        self.backward_layers = self.make_layers(self.width) if direction == "both" else None
        self.has_norms = stack.get("layer_norm", False)
        self.norms = nn.ModuleList(self.make_norm(self.width) for _ in self.layers)
        variational = stack.get("variational", False)
        self.embedding_dropout = Dropout(stack.get("embedding_dropout", 0.0), over_time=variational)
        self.layer_dropout = Dropout(stack.get("layer_dropout", 0.0), over_time=variational)
        self.output_dropout = Dropout(stack.get("output_dropout", 0.0), over_time=variational)

    def make_layers(self, above: int) -> nn.ModuleList:
        """Returns recurrent layers of which all but the lowest have so many inputs."""
        embedding_size, num_layers = self._sizes
        return nn.ModuleList(map(self.make_layer, [embedding_size] + [above] * (num_layers - 1)))

    def make_layer(self, num_inputs: int) -> nn.Module:
        """Returns a recurrent layer."""
        return self._layer_type(num_inputs, self.hidden_size, **self._settings)

    def make_norm(self, width: int) -> nn.Module:
        """Returns what normalises the outputs of a layer; nothing where the network has no norms."""
        return nn.LayerNorm(width) if self.has_norms else nn.Identity()

    def read_layers(self, tokens: Tensor, lengths: Tensor, generator: torch.Generator | None) -> Tensor:
        """Returns the outputs of the highest layer, `[time, batch, width]`.

        Args:
            tokens: what is read, int64 `[time, batch]`.
            lengths: of each, int64 `[batch]`; what is after them is never read before them.
        """
        outputs: Tensor = self.embedding_dropout(self.embedding(tokens), generator)
        for index, (layer, norm) in enumerate(zip(self.layers, self.norms, strict=True)):
            inputs = self.layer_dropout(outputs, generator) if index > 0 else outputs
            backward = None if self.backward_layers is None else self.backward_layers[index]
            outputs = _read_both_ways(layer, backward, inputs, lengths, self._before(inputs))
            if self.residual and outputs.shape == inputs.shape:
                outputs = outputs + inputs
            outputs = norm(outputs)
        return outputs

    def last_outputs(self, outputs: Tensor, lengths: Tensor) -> Tensor:
        """Returns the last output of each direction, `[batch, width]`, from those of the highest layer."""
        last = outputs[lengths - 1, torch.arange(outputs.shape[1], device=outputs.device)]
        if self.backward_layers is None:
            return last
        # Read backward, the first symbol is the last.
        return torch.cat([last[:, : self.hidden_size], outputs[0, :, self.hidden_size :]], dim=-1)

    def _before(self, inputs: Tensor) -> Any:
        zeros = inputs.new_zeros(1, inputs.shape[1], self.hidden_size)
        return (zeros,) * self.num_states if self.num_states > 1 else zeros

    def initial_state(self, batch_size: int) -> State:
        """Returns no state: examples are read whole."""
        return ()

    @torch.no_grad()
    def initialize_parts(
        self, linears: Iterable[nn.Linear], layers: Iterable[nn.Module], generator: torch.Generator
    ) -> None:
        """Draws all weights anew: the embedding normal with deviation 0.1, matrices of `linears` Xavier-uniform.

        Args:
            layers: those beside the ones that read examples.
        """
        nn.init.normal_(self.embedding.weight, std=0.1, generator=generator)
        for linear in linears:
            nn.init.xavier_uniform_(linear.weight, generator=generator)
            if linear.bias is not None:
                nn.init.zeros_(linear.bias)
        for layer in (*self.layers, *(self.backward_layers or ()), *layers):
            self.initialization.apply(layer, CELLS[self.cell], generator)


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


def _read_both_ways(
    forward: nn.Module, backward: nn.Module | None, inputs: Tensor, lengths: Tensor, before: Any
) -> Tensor:
    """Returns the outputs of a layer that reads forward, and beside them those of one that reads backward."""
    outputs: Tensor = forward(inputs, before)[0]
    if backward is None:
        return outputs
    order = reversal(lengths, len(inputs))
    reversed_outputs, _ = backward(_reordered(inputs, order), before)
    return torch.cat([outputs, _reordered(reversed_outputs, order)], dim=-1)


def _reordered(inputs: Tensor, order: Tensor) -> Tensor:
    return inputs.gather(0, order[..., None].expand_as(inputs))
