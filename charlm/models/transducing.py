"""The network that answers a text with a text: an encoder, a decoder, and attention between them."""

import math
from collections.abc import Mapping
from pkgutil import resolve_name
from typing import Any, Unpack, final

import torch
from torch import Tensor, nn
from torch.nn import functional

from charlm.cells import CELLS
from charlm.models.base import Network, State
from charlm.models.initialization import Initialization
from charlm.models.labelling import read_both_ways
from charlm.models.stack import Dropout, StackSettings
from charlm.tasks import Direction, Outputs, num_directions

_BETWEEN = 1
"""The symbol after what is read; the decoder begins with it."""


@final
class TransducingNetwork(Network):
    """Predicts what is said of a text, symbol by symbol.

    The encoder reads the text in one or both directions (Schuster and Paliwal 1997). The decoder begins with its last
    outputs, and at each symbol reads the one before. With attention, what the decoder says also depends on all outputs
    of the encoder, each weighted by its product with the decoder's own (Luong et al. 2015, "general"); without, the
    encoder's last outputs are all that passes (Cho et al. 2014).

    An example is one column of tokens: what is read, symbol 1, and what is said. No state is carried.

    Args:
        vocabulary_size: number of symbols that are read or said.
        outputs: the symbols that may be said.
        attention: whether the decoder sees all outputs of the encoder.
    """

    def __init__(
        self,
        vocabulary_size: int,
        *,
        outputs: Outputs,
        direction: Direction,
        attention: bool,
        cell: str = "lstm",
        settings: Mapping[str, Any] | None = None,
        initialization: Initialization | None = None,
        **stack: Unpack[StackSettings],
    ) -> None:
        super().__init__()
        hidden_size, num_layers, size = stack["hidden_size"], stack["num_layers"], stack["embedding_size"]
        row, width = CELLS[cell], hidden_size * num_directions(direction)
        make_layer: type[nn.Module] = resolve_name(row.layer)

        def make_layers(above: int) -> nn.ModuleList:
            sizes = [size] + [above] * (num_layers - 1)
            return nn.ModuleList(make_layer(each, hidden_size, **(settings or {})) for each in sizes)

        self.vocabulary_size = vocabulary_size
        self.cell, self.num_states, self.hidden_size = cell, len(row.states), hidden_size
        self.residual = stack.get("residual", False)
        self.initialization = initialization or Initialization()
        self.embedding = nn.Embedding(vocabulary_size, size)
        self.layers = make_layers(width)
        self.backward_layers = make_layers(width) if direction == "both" else None
        self.decoder_layers = make_layers(hidden_size)
        self.bridge = nn.Linear(width, hidden_size * self.num_states)
        self.query = nn.Linear(hidden_size, width, bias=False) if attention else None
        self.combine = nn.Linear(hidden_size + width, hidden_size) if attention else None
        self.output = nn.Linear(hidden_size, outputs.number)
        variational = stack.get("variational", False)
        self.embedding_dropout = Dropout(stack.get("embedding_dropout", 0.0), over_time=variational)
        self.layer_dropout = Dropout(stack.get("layer_dropout", 0.0), over_time=variational)
        self.output_dropout = Dropout(stack.get("output_dropout", 0.0), over_time=variational)

    def forward(self, tokens: Tensor, state: State, generator: torch.Generator | None = None) -> tuple[Tensor, State]:
        """Returns the logits of each symbol that is said, `[time, batch, labels]`, the end among them, and then zeros.

        Args:
            tokens: the examples, int64 `[time, batch]`, padded with symbol 0.
            state: nothing, and nothing is returned for it.
        """
        # Lanes without an example read one padded place: a mean of nothing is no number.
        lengths = (tokens == _BETWEEN).int().argmax(dim=0).clamp(min=1)
        places = torch.arange(len(tokens), device=tokens.device)[:, None]
        said = ((tokens != 0) & (places >= lengths)).sum(dim=0)
        steps = places[: max(1, int(said.max()))]
        read = tokens[: int(lengths.max())].where(places[: int(lengths.max())] < lengths, 0)
        memory, before = self.encode(read, lengths, generator)
        previous = tokens.gather(0, (steps + lengths).clamp(max=len(tokens) - 1)).where(steps < said, 0)
        logits, _ = self.decode(previous, memory, before, lengths, generator)
        return functional.pad(logits, (0, 0, 0, 0, 0, len(tokens) - len(logits))), state

    def encode(self, tokens: Tensor, lengths: Tensor, generator: torch.Generator | None = None) -> tuple[Tensor, State]:
        """Returns the outputs of the encoder, `[read, batch, width]`, and the decoder's first state.

        Args:
            tokens: what is read, int64 `[read, batch]`, padded with symbol 0.
            lengths: of each, int64 `[batch]`.

        Returns:
            each part of the state `[layers, batch, hidden]`.
        """
        outputs = self.embedding_dropout(self.embedding(tokens), generator)
        for index, layer in enumerate(self.layers):
            inputs = self.layer_dropout(outputs, generator) if index > 0 else outputs
            backward = None if self.backward_layers is None else self.backward_layers[index]
            outputs = read_both_ways(layer, backward, inputs, lengths, self._zeros(inputs))
            if self.residual and outputs.shape == inputs.shape:
                outputs = outputs + inputs
        last = outputs[lengths - 1, torch.arange(outputs.shape[1], device=outputs.device)]
        if self.backward_layers is not None:
            last = torch.cat([last[:, : self.hidden_size], outputs[0, :, self.hidden_size :]], dim=-1)
        parts = self.bridge(last).tanh().chunk(self.num_states, dim=-1)
        layers = len(self.decoder_layers)
        return outputs, tuple(part.expand(layers, *part.shape) for part in parts)

    def decode(
        self,
        previous: Tensor,
        memory: Tensor,
        before: State,
        lengths: Tensor,
        generator: torch.Generator | None = None,
    ) -> tuple[Tensor, State]:
        """Returns the logits of each next symbol, `[said, batch, labels]`, and the decoder's state after them.

        Args:
            previous: the symbol before each, int64 `[said, batch]`.
            memory: the outputs of the encoder.
            before: the decoder's state before the first.
            lengths: of what is read, int64 `[batch]`.
        """
        outputs = self.embedding_dropout(self.embedding(previous), generator)
        states: list[State] = []
        for index, layer in enumerate(self.decoder_layers):
            inputs = self.layer_dropout(outputs, generator) if index > 0 else outputs
            start = tuple(part[index : index + 1].contiguous() for part in before)
            outputs, after = layer(inputs, start if len(start) > 1 else start[0])
            states.append(after if len(start) > 1 else (after,))
            if self.residual and outputs.shape == inputs.shape:
                outputs = outputs + inputs
        if self.query is not None and self.combine is not None:
            outputs = self.combine(torch.cat([outputs, self._attend(outputs, memory, lengths)], dim=-1)).tanh()
        logits = self.output(self.output_dropout(outputs, generator))
        return logits, tuple(torch.cat(parts) for parts in zip(*states, strict=True))

    def _attend(self, outputs: Tensor, memory: Tensor, lengths: Tensor) -> Tensor:
        """Returns the weighted mean of the encoder's outputs for each of the decoder's, `[said, batch, width]`."""
        assert self.query is not None
        queries = self.query(outputs).transpose(0, 1) / math.sqrt(memory.shape[-1])
        by_lane = memory.to(queries.dtype).transpose(0, 1)
        scores = queries @ by_lane.transpose(1, 2)
        absent = torch.arange(len(memory), device=memory.device) >= lengths[:, None]
        weights = scores.masked_fill(absent[:, None], -torch.inf).softmax(dim=-1)
        context: Tensor = (weights @ by_lane).transpose(0, 1)
        return context

    def _zeros(self, inputs: Tensor) -> Any:
        zeros = inputs.new_zeros(1, inputs.shape[1], self.hidden_size)
        return (zeros,) * self.num_states if self.num_states > 1 else zeros

    def initial_state(self, batch_size: int) -> State:
        """Returns no state: examples are read whole."""
        return ()

    @torch.no_grad()
    def initialize(self, generator: torch.Generator) -> None:
        """Draws all weights anew: the embedding normal with deviation 0.1, other matrices Xavier-uniform."""
        nn.init.normal_(self.embedding.weight, std=0.1, generator=generator)
        for linear in filter(None, (self.bridge, self.query, self.combine, self.output)):
            nn.init.xavier_uniform_(linear.weight, generator=generator)
            if linear.bias is not None:
                nn.init.zeros_(linear.bias)
        for layer in (*self.layers, *(self.backward_layers or ()), *self.decoder_layers):
            self.initialization.apply(layer, CELLS[self.cell], generator)
