"""The parts that networks of layers share: embedding, norms, dropouts and output layer."""

from collections.abc import Callable, Iterable
from typing import NotRequired, TypedDict

import torch
from torch import Tensor, nn

from charlm.models.base import Network

Activation = Callable[[Tensor], Tensor]


class Dropout(nn.Module):
    """Zeroes a share of the numbers in training and scales up the rest (Srivastava et al. 2014).

    With `over_time` the mask is drawn once and used at every position of the window, the variational
    dropout of Gal and Ghahramani (2016).
    """

    def __init__(self, probability: float, *, over_time: bool = False) -> None:
        super().__init__()
        self.probability = probability
        self.over_time = over_time

    def forward(self, inputs: Tensor, generator: torch.Generator | None) -> Tensor:
        """Returns `inputs` `[time, batch, units]` with the mask applied; unchanged in evaluation mode."""
        if not self.training or self.probability == 0.0:
            return inputs
        shape = (1, *inputs.shape[1:]) if self.over_time else inputs.shape
        keep = 1.0 - self.probability
        mask = torch.empty(shape, dtype=inputs.dtype, device=inputs.device)
        return inputs * mask.bernoulli_(keep, generator=generator).div_(keep)


class StackSettings(TypedDict):
    """The shape of a network of layers.

    Attributes:
        variational: dropout masks are drawn once a window instead of at every position.
        residual: add a layer's input to its output where both have the same size.
        layer_norm: normalise each layer's output (Ba et al. 2016).
        tie_weights: use the embedding as output matrix (Press and Wolf 2017).
    """

    embedding_size: int
    hidden_size: int
    num_layers: int
    embedding_dropout: NotRequired[float]
    layer_dropout: NotRequired[float]
    output_dropout: NotRequired[float]
    variational: NotRequired[bool]
    residual: NotRequired[bool]
    layer_norm: NotRequired[bool]
    tie_weights: NotRequired[bool]


class StackedNetwork(Network):
    """A network of embedding, hidden layers, a norm after each, and output layer.

    Args:
        layers: from the lowest on.
        stack: what they were made for: sizes, dropouts, and what lies between the layers.
    """

    def __init__(self, vocabulary_size: int, layers: Iterable[nn.Module], stack: StackSettings) -> None:
        super().__init__()
        hidden_size = stack["hidden_size"]
        self.vocabulary_size = vocabulary_size
        self.hidden_size = hidden_size
        self.residual = stack.get("residual", False)
        self.embedding = nn.Embedding(vocabulary_size, stack["embedding_size"])
        self.layers = nn.ModuleList(layers)
        has_norms = stack.get("layer_norm", False)
        self.norms = nn.ModuleList(nn.LayerNorm(hidden_size) if has_norms else nn.Identity() for _ in self.layers)
        self.output = nn.Linear(hidden_size, vocabulary_size)
        if stack.get("tie_weights", False):
            self.output.weight = self.embedding.weight
        variational = stack.get("variational", False)
        self.embedding_dropout = Dropout(stack.get("embedding_dropout", 0.0), over_time=variational)
        self.layer_dropout = Dropout(stack.get("layer_dropout", 0.0), over_time=variational)
        self.output_dropout = Dropout(stack.get("output_dropout", 0.0), over_time=variational)

    @torch.no_grad()
    def initialize_ends(self, generator: torch.Generator) -> None:
        """Draws the embedding, normal with deviation 0.1, and the output matrix, Xavier-uniform."""
        nn.init.normal_(self.embedding.weight, std=0.1, generator=generator)
        self.initialize_linear(self.output, generator)

    @torch.no_grad()
    def initialize_linear(self, layer: nn.Module, generator: torch.Generator) -> None:
        """Draws a matrix Xavier-uniform (Glorot and Bengio 2010), unless it is the embedding, too; the bias is zero."""
        assert isinstance(layer, nn.Linear)
        if layer.weight is not self.embedding.weight:
            nn.init.xavier_uniform_(layer.weight, generator=generator)
        nn.init.zeros_(layer.bias)


class DenseNetwork(StackedNetwork):
    """A network of linear layers with activations; residual connections are there from the second layer on."""

    def __init__(self, vocabulary_size: int, stack: StackSettings, *, activation: Activation, num_inputs: int) -> None:
        layers = (nn.Linear(size, stack["hidden_size"]) for size in input_sizes(stack, lowest=num_inputs))
        super().__init__(vocabulary_size, layers, stack)
        self.activation = activation

    def hidden_to_logits(self, sums: Tensor, generator: torch.Generator | None) -> Tensor:
        """Returns the logits `[time, batch, vocabulary]` that follow from the first layer's pre-activations."""
        outputs = self.norms[0](self.activation(sums))
        for layer, norm in zip(list(self.layers)[1:], list(self.norms)[1:], strict=True):
            inputs = self.layer_dropout(outputs, generator)
            outputs = self.activation(layer(inputs))
            outputs = norm(outputs + inputs if self.residual else outputs)
        logits: Tensor = self.output(self.output_dropout(outputs, generator))
        return logits

    def initialize_dense(self, generator: torch.Generator) -> None:
        """Draws the hidden layers and the output layer."""
        for layer in (*self.layers, self.output):
            self.initialize_linear(layer, generator)


def input_sizes(stack: StackSettings, *, lowest: int | None = None) -> list[int]:
    """Returns each layer's number of inputs; `lowest` replaces the lowest layer's, which is the embedding's size."""
    first = stack["embedding_size"] if lowest is None else lowest
    return [first] + [stack["hidden_size"]] * (stack["num_layers"] - 1)
