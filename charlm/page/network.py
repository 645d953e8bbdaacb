"""What a page's engine is given of a network: its cell and sizes, and its arrays as the engine takes them."""

from collections.abc import Iterator
from shlex import quote

from charlm.cells import CELLS
from charlm.config import ModelConfig
from charlm.errors import ConfigError
from charlm.page.packing import NamedArray
from charlm.stepping.base import Arrays, float32_copy
from charlm.stepping.build import section
from charlm.stepping.parameters import layer_parameters

PAGE_CELLS = ("lstm", "lstm-peephole", "gru", "gru-reset-before", "gru-simple", "rnn")
"""The cells that charlm/page/engine.js computes."""


def require_page_network(config: ModelConfig, *, run: str) -> None:
    """Raises a ConfigError unless the engine of a page computes such a model's network."""
    if config.model == "ngram":
        raise ConfigError(
            f"'{run}' is an n-gram model, and a page holds a network. Hand it on with: charlm export arpa {quote(run)}"
        )
    if config.model == "mlp" or config.cell not in PAGE_CELLS:
        name = "a feed-forward network" if config.model == "mlp" else f"the cell {config.cell}"
        raise ConfigError(f"'{run}' has {name}, which a page cannot compute; it can {', '.join(PAGE_CELLS)}.")


def describe_network(config: ModelConfig, *, vocabulary_size: int) -> dict[str, object]:
    """Returns what the engine builds a network from, beside its arrays, as JSON values."""
    return {
        "cell": config.cell,
        "nonlinearity": config.nonlinearity,
        "layers": config.num_layers,
        "hidden": config.hidden_size,
        "residual": config.residual,
        "vocabulary": vocabulary_size,
    }


def network_arrays(config: ModelConfig, weights: Arrays) -> Iterator[NamedArray]:
    """Yields the arrays of a stored model's network, without the n-grams that may be mixed in.

    Gates stand in the order of charlm/stepping/cells/base.py, those that end in a logistic function halved.
    """
    stored = weights if config.mixed_order is None else section(weights, "network")
    yield NamedArray("embedding", float32_copy(stored["embedding.weight"]))
    for index in range(config.num_layers):
        layer = layer_parameters(stored, index, cell=CELLS[config.cell])
        yield NamedArray(f"{index}.inputs", layer.inputs.reshape(-1, layer.inputs.shape[2]))
        yield NamedArray(f"{index}.recurrent", layer.recurrent.reshape(-1, layer.recurrent.shape[2]))
        yield NamedArray(f"{index}.bias", layer.bias.reshape(-1))
        yield NamedArray(f"{index}.inner", layer.inner_bias[-1])
        if "weight_peephole_l0" in layer.further:
            yield NamedArray(f"{index}.peepholes", layer.further["weight_peephole_l0"].reshape(-1))
        if layer.norm is not None:
            gain, offset = layer.norm
            yield NamedArray(f"{index}.gain", gain)
            yield NamedArray(f"{index}.offset", offset)
    yield NamedArray("output", float32_copy(stored["output.weight"]))
    yield NamedArray("output.bias", float32_copy(stored["output.bias"]))
