"""The fixed-window language model: the last symbols' embeddings side by side, and a feed-forward network."""

from typing import final

import torch
from torch import Tensor, nn

from charlm.models.base import Network, State
from charlm.models.dropout import Dropout

BEFORE = -1
"""Stands in the state for what lies before the text."""


@final
class FixedWindowLanguageModel(Network):
    """Predicts the next symbol from the last `window` symbols alone (Bengio et al. 2003).

        x = [e(s_{t-K+1}), …, e(s_t)]
        h_1 = tanh(W_1 x + b_1), h_l = tanh(W_l h_{l-1} + b_l) (+ h_{l-1})
        logits = V h_L + c

    Its state is the last `window - 1` symbols, int64 `[window - 1, batch]`. What lies before the text has an
    embedding of its own, so that a text's first symbols are predicted, too.

    Args:
        vocabulary_size: number of symbols.
        window: symbols that a prediction sees.
        residual: add a hidden layer's input to its output, from the second layer on.
        layer_norm: normalise each hidden layer's output (Ba et al. 2016).
        variational: dropout masks are drawn once a window of training instead of at every position.
    """

    def __init__(
        self,
        vocabulary_size: int,
        *,
        window: int,
        embedding_size: int,
        hidden_size: int,
        num_layers: int,
        embedding_dropout: float = 0.0,
        layer_dropout: float = 0.0,
        output_dropout: float = 0.0,
        variational: bool = False,
        residual: bool = False,
        layer_norm: bool = False,
    ) -> None:
        super().__init__()
        self.vocabulary_size = vocabulary_size
        self.window = window
        self.residual = residual
        self.embedding = nn.Embedding(vocabulary_size, embedding_size)
        self.before = nn.Parameter(torch.zeros(embedding_size))
        input_sizes = [window * embedding_size] + [hidden_size] * (num_layers - 1)
        self.layers = nn.ModuleList(nn.Linear(size, hidden_size) for size in input_sizes)
        self.norms = nn.ModuleList(nn.LayerNorm(hidden_size) if layer_norm else nn.Identity() for _ in input_sizes)
        self.output = nn.Linear(hidden_size, vocabulary_size)
        self.embedding_dropout = Dropout(embedding_dropout, over_time=variational)
        self.layer_dropout = Dropout(layer_dropout, over_time=variational)
        self.output_dropout = Dropout(output_dropout, over_time=variational)

    def forward(self, tokens: Tensor, state: State, generator: torch.Generator | None = None) -> tuple[Tensor, State]:
        """Returns the logits `[time, batch, vocabulary]` of each next symbol, and the last symbols.

        Args:
            tokens: symbols, int64 `[time, batch]`.
            state: the `window - 1` symbols before the first of them.
            generator: source of the dropout masks, on the tokens' device; needed in training only.
        """
        symbols = torch.cat((state[0], tokens))
        embedded = torch.where((symbols == BEFORE)[..., None], self.before, self.embedding(symbols.clamp(min=0)))
        embedded = self.embedding_dropout(embedded, generator)
        # [time, batch, window, embedding], the oldest symbol first.
        outputs = embedded.unfold(0, self.window, 1).transpose(2, 3).flatten(2)
        for index, (layer, norm) in enumerate(zip(self.layers, self.norms, strict=True)):
            inputs = self.layer_dropout(outputs, generator) if index > 0 else outputs
            outputs = torch.tanh(layer(inputs))
            if self.residual and index > 0:
                outputs = outputs + inputs
            outputs = norm(outputs)
        last = symbols[len(symbols) - self.window + 1 :]
        return self.output(self.output_dropout(outputs, generator)), (last,)

    def initial_state(self, batch_size: int) -> State:
        """Returns what lies before the text, for every sequence, on the model's device."""
        return (torch.full((self.window - 1, batch_size), BEFORE, dtype=torch.int64, device=self.device),)

    @torch.no_grad()
    def initialize(self, generator: torch.Generator) -> None:
        """Draws all weights anew: matrices Xavier-uniform (Glorot and Bengio 2010), embeddings normal, biases zero."""
        nn.init.normal_(self.embedding.weight, std=0.1, generator=generator)
        nn.init.normal_(self.before, std=0.1, generator=generator)
        for layer in (*self.layers, self.output):
            assert isinstance(layer, nn.Linear)
            nn.init.xavier_uniform_(layer.weight, generator=generator)
            nn.init.zeros_(layer.bias)
