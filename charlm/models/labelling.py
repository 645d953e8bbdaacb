"""The network that labels examples: embedding, recurrent layers in one or both directions, and a head."""

from typing import Any, final

import torch
from torch import Tensor, nn

from charlm.models.base import State
from charlm.models.examples import ExampleNetwork
from charlm.models.hashed_ngrams import HashedNgrams
from charlm.stepping.shapes import POOLED_PARTS
from charlm.tasks import Outputs

_PADDING = 0
"""The symbol after the end of an example; it is also the one that an example begins with."""


@final
class LabellingNetwork(ExampleNetwork):
    """Predicts a label for each symbol of an example, or one for all of it.

    Symbols after the end of an example are never read. A pooled head sees the last output of each direction, the
    largest and the mean of all outputs (Howard and Ruder 2018), and may add what n-grams say by themselves.

    Args:
        outputs: the labels that are predicted.
        has_ngrams: whether the weights of n-grams add to the logits of a pooled head.
        **layers: as for `ExampleNetwork`.
    """

    def __init__(self, vocabulary_size: int, *, outputs: Outputs, has_ngrams: bool = False, **layers: Any) -> None:
        super().__init__(vocabulary_size, **layers)
        self.is_pooled = outputs.head == "pooled"
        self.output = nn.Linear(self.width * (POOLED_PARTS if self.is_pooled else 1), outputs.number)
        dropout = self.output_dropout.probability
        self.hashed_ngrams = HashedNgrams(outputs.number, dropout=dropout) if has_ngrams else None

    def forward(self, tokens: Tensor, state: State, generator: torch.Generator | None = None) -> tuple[Tensor, State]:
        """Returns the logits of each label: `[time, batch, labels]`, or pooled `[1, batch, labels]`.

        Args:
            tokens: the examples, int64 `[time, batch]`, padded with symbol 0.
            state: nothing, and nothing is returned for it.
        """
        present = tokens != _PADDING
        present[0] = True
        lengths = present.sum(dim=0)
        outputs = self.read_layers(tokens, lengths, generator)
        if self.is_pooled:
            outputs = self._pool(outputs, present, lengths)
        logits = self.output(self.output_dropout(outputs, generator))
        if self.hashed_ngrams is not None:
            logits = logits + self.hashed_ngrams(tokens, lengths, generator)
        return logits, state

    def _pool(self, outputs: Tensor, present: Tensor, lengths: Tensor) -> Tensor:
        """Returns the last, the largest and the mean output of each example, `[1, batch, 3 * width]`."""
        last = self.last_outputs(outputs, lengths)
        largest = outputs.masked_fill(~present[..., None], -torch.inf).amax(dim=0)
        mean = outputs.masked_fill(~present[..., None], 0.0).sum(dim=0) / lengths[:, None]
        return torch.cat([last, largest, mean], dim=-1)[None]

    def initialize(self, generator: torch.Generator) -> None:
        """Draws all weights anew, as `ExampleNetwork.initialize_parts` says; n-grams weigh nothing."""
        self.initialize_parts([self.output], [], generator)
        if self.hashed_ngrams is not None:
            nn.init.zeros_(self.hashed_ngrams.weight)
