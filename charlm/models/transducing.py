"""The network that answers a text with a text: an encoder, a decoder, and attention between them."""

import math
from typing import Any, Literal, final

import torch
from torch import Tensor, nn
from torch.nn import functional

from charlm.models.base import State
from charlm.models.examples import ExampleNetwork
from charlm.tasks import Outputs

Attention = Literal["gnmt", "luong", "none"]

_BETWEEN = 1
"""The symbol after what is read; the decoder begins with it."""


@final
class TransducingNetwork(ExampleNetwork):
    """Predicts the answer to a text, symbol by symbol.

    The encoder reads the text in one or both directions. The decoder begins with its last outputs, and at each symbol
    reads the one before. With attention, what the decoder predicts also depends on all outputs of the encoder, each
    weighted by its product with the decoder's own (Luong et al. 2015, "general"); with "gnmt", one more recurrent layer
    reads their mean, and so knows what was looked at before (Wu et al. 2016, section 3). Without attention, the
    encoder's last outputs are all that passes (Sutskever et al. 2014).

    An example is one column of tokens: the text, symbol 1, and the answer. No state is carried.

    Args:
        vocabulary_size: number of symbols of texts and answers.
        outputs: the symbols of answers.
        attention: how the decoder sees all outputs of the encoder; with "none" it does not.
        **layers: as for `ExampleNetwork`, of the encoder; the decoder has as many.
    """

    def __init__(self, vocabulary_size: int, *, outputs: Outputs, attention: Attention, **layers: Any) -> None:
        super().__init__(vocabulary_size, **layers)
        hidden_size, width = self.hidden_size, self.width
        self.decoder_layers = self.make_layers(hidden_size)
        self.decoder_norms = nn.ModuleList(self.make_norm(hidden_size) for _ in self.decoder_layers)
        self.bridge = nn.Linear(width, hidden_size * self.num_states)
        attends = attention != "none"
        self.query = nn.Linear(hidden_size, width, bias=False) if attends else None
        self.combine = nn.Linear(hidden_size + width, hidden_size) if attends else None
        self.upper_layer = self.make_layer(hidden_size + width) if attention == "gnmt" else None
        self.upper_norm = self.make_norm(hidden_size) if attention == "gnmt" else nn.Identity()
        self.output = nn.Linear(hidden_size, outputs.number)

    def forward(self, tokens: Tensor, state: State, generator: torch.Generator | None = None) -> tuple[Tensor, State]:
        """Returns the logits of each symbol of the answer, `[time, batch, labels]`, the end among them, and then zeros.

        Args:
            tokens: the examples, int64 `[time, batch]`, padded with symbol 0.
            state: nothing, and nothing is returned for it.
        """
        # Lanes without an example read one padded place: a mean of nothing is no number.
        lengths = (tokens == _BETWEEN).int().argmax(dim=0).clamp(min=1)
        places = torch.arange(len(tokens), device=tokens.device)[:, None]
        answered = ((tokens != 0) & (places >= lengths)).sum(dim=0)
        steps = places[: max(1, int(answered.max()))]
        read = tokens[: int(lengths.max())].where(places[: int(lengths.max())] < lengths, 0)
        memory, before = self.encode(read, lengths, generator)
        previous = tokens.gather(0, (steps + lengths).clamp(max=len(tokens) - 1)).where(steps < answered, 0)
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
        outputs = self.read_layers(tokens, lengths, generator)
        parts = self.bridge(self.last_outputs(outputs, lengths)).tanh().chunk(self.num_states, dim=-1)
        layers = len(self.decoder_layers) + (self.upper_layer is not None)
        return outputs, tuple(part.expand(layers, *part.shape) for part in parts)

    def decode(
        self,
        previous: Tensor,
        memory: Tensor,
        before: State,
        lengths: Tensor,
        generator: torch.Generator | None = None,
    ) -> tuple[Tensor, State]:
        """Returns the logits of each next symbol, `[steps, batch, labels]`, and the decoder's state after them.

        Args:
            previous: the symbol before each, int64 `[steps, batch]`.
            memory: the outputs of the encoder.
            before: the decoder's state before the first.
            lengths: of what is read, int64 `[batch]`.
        """
        outputs = self.embedding_dropout(self.embedding(previous), generator)
        states: list[State] = []

        def read(layer: nn.Module, inputs: Tensor) -> Tensor:
            start = tuple(part[len(states) : len(states) + 1].contiguous() for part in before)
            told: tuple[Tensor, Any] = layer(inputs, start if len(start) > 1 else start[0])
            states.append(told[1] if len(start) > 1 else (told[1],))
            return told[0]

        for index, (layer, norm) in enumerate(zip(self.decoder_layers, self.decoder_norms, strict=True)):
            inputs = self.layer_dropout(outputs, generator) if index > 0 else outputs
            outputs = read(layer, inputs)
            if self.residual and outputs.shape == inputs.shape:
                outputs = outputs + inputs
            outputs = norm(outputs)
        if self.query is not None and self.combine is not None:
            context = self._attend(outputs, memory, lengths)
            if self.upper_layer is not None:
                seen = self.layer_dropout(torch.cat([outputs, context], dim=-1), generator)
                above = read(self.upper_layer, seen)
                outputs = self.upper_norm(outputs + above if self.residual else above)
            outputs = self.combine(torch.cat([outputs, context], dim=-1)).tanh()
        logits = self.output(self.output_dropout(outputs, generator))
        return logits, tuple(torch.cat(parts) for parts in zip(*states, strict=True))

    def _attend(self, outputs: Tensor, memory: Tensor, lengths: Tensor) -> Tensor:
        """Returns the weighted mean of the encoder's outputs for each of the decoder's, `[steps, batch, width]`."""
        assert self.query is not None
        queries = self.query(outputs).transpose(0, 1) / math.sqrt(memory.shape[-1])
        by_lane = memory.to(queries.dtype).transpose(0, 1)
        scores = queries @ by_lane.transpose(1, 2)
        absent = torch.arange(len(memory), device=memory.device) >= lengths[:, None]
        weights = scores.masked_fill(absent[:, None], -torch.inf).softmax(dim=-1)
        context: Tensor = (weights @ by_lane).transpose(0, 1)
        return context

    def initialize(self, generator: torch.Generator) -> None:
        """Draws all weights anew, as `ExampleNetwork.initialize_parts` says."""
        linears = filter(None, (self.bridge, self.query, self.combine, self.output))
        above = filter(None, (self.upper_layer,))
        self.initialize_parts(linears, (*self.decoder_layers, *above), generator)
