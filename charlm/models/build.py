"""From a model's configuration to the model: the only place where a setting chooses code."""

from collections.abc import Mapping
from pkgutil import resolve_name
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from charlm.cells import CELLS
from charlm.config import ModelConfig
from charlm.errors import CheckpointError
from charlm.models.base import LanguageModel, Network
from charlm.models.initialization import Initialization
from charlm.models.labelling import LabellingNetwork
from charlm.models.mixture import MixedLanguageModel
from charlm.models.mixture_gates import LinearGate, LogLinearGate
from charlm.models.mlp import FixedWindowLanguageModel
from charlm.models.ngram import NgramLanguageModel
from charlm.models.recurrent import RecurrentLanguageModel
from charlm.models.transducing import TransducingNetwork
from charlm.ngrams.model import NgramModel
from charlm.stepping.build import NGRAMS, section
from charlm.tasks import Outputs


def restore_model(
    config: ModelConfig,
    arrays: Mapping[str, NDArray[Any]],
    *,
    vocabulary_size: int,
    source: str,
    outputs: Outputs | None = None,
) -> LanguageModel:
    """Returns the model that `config` describes, with the arrays that a checkpoint holds of it.

    Args:
        arrays: by the names that the model gives them.
        source: what messages call the place they are from.
        outputs: the labels that it predicts; None where it is the next symbol.

    Raises:
        CheckpointError: they are not those of such a model.
    """
    if config.model == "ngram":
        return NgramLanguageModel(
            NgramModel.from_arrays(arrays, order=config.order, vocabulary_size=vocabulary_size, source=source)
        )
    model = build_network(config, vocabulary_size=vocabulary_size, outputs=outputs)
    order = config.mixed_order
    if order is not None:
        counts = section(arrays, NGRAMS)
        ngrams = NgramModel.from_arrays(counts, order=order, vocabulary_size=vocabulary_size, source=source)
        model = build_mixture(config, model, ngrams)
        arrays = {name: array for name, array in arrays.items() if not name.startswith(f"{NGRAMS}.")}
    # A copy: torch's tensors can be written to, a file's arrays cannot.
    load_weights(model, {name: torch.from_numpy(array.copy()) for name, array in arrays.items()}, source=source)
    return model


def arrays_of(model: LanguageModel) -> Mapping[str, NDArray[Any]]:
    """Returns the arrays of a model that a checkpoint stores; those of a network on the CPU share its memory."""
    if isinstance(model, NgramLanguageModel):
        return model.ngrams.to_arrays()
    assert isinstance(model, Network)
    arrays: dict[str, NDArray[Any]] = {name: tensor.cpu().numpy() for name, tensor in model.state_dict().items()}
    if isinstance(model, MixedLanguageModel):
        arrays |= {f"{NGRAMS}.{name}": array for name, array in model.ngrams.to_arrays().items()}
    return arrays


def count_parameters(model: LanguageModel) -> int:
    """Returns the number of a model's weights, or of its grams."""
    if isinstance(model, NgramLanguageModel):
        return sum(len(level.keys) for level in model.ngrams.levels)
    assert isinstance(model, Network)
    return sum(parameter.numel() for parameter in model.parameters())


def build_network(config: ModelConfig, *, vocabulary_size: int, outputs: Outputs | None = None) -> Network:
    """Returns the network that `config` describes, its weights not yet drawn; `outputs` as in `restore_model`."""

    def or_default(value: float | None) -> float:
        return (config.dropout or 0.0) if value is None else value

    # torch's modules draw first weights from the global generator; it is left as it was.
    with torch.random.fork_rng(devices=[]):
        shared: dict[str, Any] = {
            "embedding_size": config.embedding_size or config.hidden_size,
            "hidden_size": config.hidden_size,
            "num_layers": config.num_layers,
            "embedding_dropout": or_default(config.embedding_dropout),
            "layer_dropout": or_default(config.layer_dropout),
            "output_dropout": or_default(config.output_dropout),
            "variational": config.dropout_kind == "variational",
            "residual": config.residual,
            "layer_norm": config.layer_norm,
        }
        if config.model == "mlp":
            return FixedWindowLanguageModel(vocabulary_size, window=config.window, **shared)
        shared["tie_weights"] = config.tie_weights
        cell = CELLS[config.cell]
        settings = {name: getattr(config, name) for name in cell.settings}
        initialization = Initialization(config.init, config.init_variance, config.forget_bias)
        if outputs is not None:
            del shared["tie_weights"]
            shared |= {"outputs": outputs, "direction": config.direction or "forward", "cell": config.cell}
            shared |= {"settings": settings, "initialization": initialization}
            if outputs.head == "sequence":
                return TransducingNetwork(vocabulary_size, attention=config.attention or "luong", **shared)
            return LabellingNetwork(vocabulary_size, has_ngrams=config.label_ngrams == "hashed", **shared)
        if not cell.stands_alone:
            make_network: type[Network] = resolve_name(cell.layer)
            return make_network(vocabulary_size, **settings, **shared)
        return RecurrentLanguageModel(
            vocabulary_size,
            **shared,
            weight_drop=config.weight_drop or 0.0,
            cell=config.cell,
            settings=settings,
            initialization=initialization,
        )


def build_mixture(config: ModelConfig, network: Network, ngrams: NgramModel) -> MixedLanguageModel:
    """Returns the mixture of both that `config` describes, the weights of its gate not yet drawn."""
    with torch.random.fork_rng(devices=[]):
        make_gate = {"log-linear": LogLinearGate, "linear": LinearGate}[config.known_mixing]
        return MixedLanguageModel(network, ngrams, make_gate(ngrams.order))


def load_weights(model: Network, weights: Mapping[str, Tensor], *, source: str) -> None:
    """Puts stored weights into the model; other names or shapes than its own are a CheckpointError."""
    try:
        model.load_state_dict(dict(weights))
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise CheckpointError(
            f"The weights in '{source}' do not fit the model they are stored with: {reason}"
        ) from None
