"""The fixed-window language model: the last symbols' embeddings side by side, and a feed-forward network."""

from typing import Unpack, final

import torch
from torch import Tensor, nn

from charlm.models.base import State
from charlm.models.stack import DenseNetwork, StackSettings

BEFORE = -1
"""Stands in the state for what lies before the text."""


@final
class FixedWindowLanguageModel(DenseNetwork):
    """Predicts the next symbol from the last `window` symbols alone (Bengio et al. 2003).

        x = [e(s_{t-K+1}), …, e(s_t)]
        h_1 = tanh(W_1 x + b_1), h_l = tanh(W_l h_{l-1} + b_l) (+ h_{l-1})
        logits = V h_L + c

    Its state is the last `window - 1` symbols, int64 `[window - 1, batch]`. What lies before the text has an
    embedding of its own, so that a text's first symbols are predicted, too.

    Args:
        window: symbols that a prediction sees.
    """

    def __init__(self, vocabulary_size: int, *, window: int, **stack: Unpack[StackSettings]) -> None:
        num_inputs = window * stack["embedding_size"]
        super().__init__(vocabulary_size, stack, activation=torch.tanh, num_inputs=num_inputs)
        self.window = window
        self.before = nn.Parameter(torch.zeros(stack["embedding_size"]))

    def forward(self, tokens: Tensor, state: State, generator: torch.Generator | None = None) -> tuple[Tensor, State]:
        """Returns the logits and the last symbols."""
        symbols = torch.cat((state[0], tokens))
        embedded = torch.where((symbols == BEFORE)[..., None], self.before, self.embedding(symbols.clamp(min=0)))
        embedded = self.embedding_dropout(embedded, generator)
        # [time, batch, window, embedding], the oldest symbol first.
        windows = embedded.unfold(0, self.window, 1).transpose(2, 3).flatten(2)
        last = symbols[len(symbols) - self.window + 1 :]
        return self.hidden_to_logits(self.layers[0](windows), generator), (last,)

    def initial_state(self, batch_size: int) -> State:
        """Returns the mark for "before the text" at every place of the window, on the model's device."""
        return (torch.full((self.window - 1, batch_size), BEFORE, dtype=torch.int64, device=self.device),)

    def initialize(self, generator: torch.Generator) -> None:
        """Draws all weights anew."""
        nn.init.normal_(self.embedding.weight, std=0.1, generator=generator)
        nn.init.normal_(self.before, std=0.1, generator=generator)
        self.initialize_dense(generator)
