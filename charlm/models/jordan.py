"""The Jordan network: its last prediction comes back into its hidden layer."""

from typing import Unpack, final

import torch
from torch import Tensor, nn
from torch.nn import functional

from charlm.config import Feedback, Nonlinearity
from charlm.models.base import State
from charlm.models.stack import DenseNetwork, StackSettings


@final
class JordanLanguageModel(DenseNetwork):
    """Predicts the next symbol with output-to-hidden recurrence (Jordan 1986).

        h_1 = f(W x_t + U y_{t-1} + b),  h_l = f(W_l h_{l-1} + b_l) (+ h_{l-1})
        y_t = softmax(V h_L + c)

    Running free, y_{t-1} is the distribution that the network itself gave for symbol t: all it knows of the
    past is in that one prediction. Teacher-forced, the symbol that did come stands in its place, as certain;
    then nothing is left that goes from step to step, and a whole text is computed at once. The state is
    `(y,)`, `[1, batch, vocabulary]`; before any symbol, y is zero.

    Args:
        feedback: "output" runs free, "target" is teacher-forced.
        nonlinearity: f.
    """

    def __init__(
        self, vocabulary_size: int, *, feedback: Feedback, nonlinearity: Nonlinearity, **stack: Unpack[StackSettings]
    ) -> None:
        activation = {"tanh": torch.tanh, "relu": torch.relu, "sigmoid": torch.sigmoid}[nonlinearity]
        super().__init__(vocabulary_size, stack, activation=activation, num_inputs=stack["embedding_size"])
        self.is_teacher_forced = feedback == "target"
        # A row a symbol, as the embedding has, so that both grow alike with a vocabulary.
        self.feedback = nn.Embedding(vocabulary_size, stack["hidden_size"])

    def forward(self, tokens: Tensor, state: State, generator: torch.Generator | None = None) -> tuple[Tensor, State]:
        """Returns the logits and the last prediction; running free, dropout masks differ at every symbol."""
        inputs = self.layers[0](self.embedding_dropout(self.embedding(tokens), generator))
        if self.is_teacher_forced:
            logits = self.hidden_to_logits(inputs + self.feedback(tokens), generator)
            return logits, (logits[-1:].float().softmax(dim=-1).to(state[0].dtype),)
        predicted = state[0][0]
        steps = []
        for row in inputs:
            feedback = functional.linear(predicted.to(row.dtype), self.feedback.weight.to(row.dtype).t())
            step = self.hidden_to_logits((row + feedback)[None], generator)
            steps.append(step)
            predicted = step[0].float().softmax(dim=-1)
        return torch.cat(steps), (predicted[None].to(state[0].dtype),)

    def initial_state(self, batch_size: int) -> State:
        """Returns zeros: nothing was predicted."""
        return (self.output.bias.new_zeros(1, batch_size, self.vocabulary_size),)

    def initialize(self, generator: torch.Generator) -> None:
        """Draws all weights anew."""
        nn.init.normal_(self.embedding.weight, std=0.1, generator=generator)
        nn.init.xavier_uniform_(self.feedback.weight, generator=generator)
        self.initialize_dense(generator)
