"""From a model's configuration to the model: the only place where a setting chooses code."""

from collections.abc import Mapping

import torch
from torch import Tensor

from charlm.config import ModelConfig
from charlm.errors import CheckpointError
from charlm.models.recurrent import RecurrentLanguageModel


def build_model(config: ModelConfig, *, vocabulary_size: int) -> RecurrentLanguageModel:
    """Returns the model that `config` describes, its weights not yet drawn."""

    def or_default(value: float | None) -> float:
        return (config.dropout or 0.0) if value is None else value

    # torch's modules draw first weights from the global generator; it is left as it was.
    with torch.random.fork_rng(devices=[]):
        return RecurrentLanguageModel(
            vocabulary_size,
            cell=config.cell,
            nonlinearity=config.nonlinearity,
            embedding_size=config.embedding_size or config.hidden_size,
            hidden_size=config.hidden_size,
            num_layers=config.num_layers,
            embedding_dropout=or_default(config.embedding_dropout),
            layer_dropout=or_default(config.layer_dropout),
            output_dropout=or_default(config.output_dropout),
            variational=config.dropout_kind == "variational",
            residual=config.residual,
            layer_norm=config.layer_norm,
            tie_weights=config.tie_weights,
        )


def load_weights(model: RecurrentLanguageModel, weights: Mapping[str, Tensor], *, source: str) -> None:
    """Puts stored weights into the model.

    Raises:
        CheckpointError: names or shapes are not the model's own.
    """
    try:
        model.load_state_dict(dict(weights))
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise CheckpointError(
            f"The weights in '{source}' do not fit the model they are stored with: {reason}"
        ) from None
