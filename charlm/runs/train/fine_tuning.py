"""`charlm train --init-from`: a new run that starts from another one's network."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from charlm.config import ModelConfig, Request
from charlm.data.tokenizers.base import Tokenizer
from charlm.data.tokenizers.build import TokenizerRecipe, extended
from charlm.errors import ConfigError
from charlm.models.base import Network
from charlm.models.build import load_weights
from charlm.models.growth import grow_vocabulary
from charlm.models.mixture import network_of
from charlm.runs.seeds import Streams
from charlm.runs.stored.loading import LoadedModel, load_model
from charlm.runs.stored.workspace import Workspace

_FREE = frozenset({"mix", "dropout", "embedding_dropout", "layer_dropout", "output_dropout", "dropout_kind"})
"""Settings of the model that its weights do not decide."""


@dataclass(frozen=True)
class Origin:
    """The run whose network a new one starts from."""

    loaded: LoadedModel

    @property
    def name(self) -> str:
        """The run's name."""
        return self.loaded.name

    @property
    def recipe(self) -> TokenizerRecipe:
        """Its tokenizer, with the symbols added that the new text needs."""
        return extended(self.loaded.tokenizer)

    @property
    def is_mixed(self) -> bool:
        """Whether n-grams of its text were mixed in, which stay behind."""
        return self.loaded.config.model.mixed_order is not None

    def adopted_by(self, request: Request) -> Request:
        """Returns the request with this run's network and tokenizer; dropout and mix may be set anew.

        Raises:
            ConfigError: something else was asked for.
        """
        config, asked, its = request.config, request.asked, self.loaded.config
        for section, own, other in (("model", config.model, its.model), ("tokenizer", config.tokenizer, its.tokenizer)):
            for name in type(own).model_fields:
                if name in asked - _FREE and getattr(own, name) != getattr(other, name):
                    raise ConfigError(
                        f"--{name.replace('_', '-')} {getattr(own, name)} is not the {section} of '{self.name}' "
                        f"({getattr(other, name)}), whose weights are to be used; leave it out."
                    )
        if config.data.records != its.data.records:
            raise ConfigError(
                f"--records {config.data.records} is not what '{self.name}' was trained with "
                f"({its.data.records}); use the same."
            )
        kept = {name: getattr(config.model, name) for name in (asked & _FREE) | {"mix"}}
        adopted = config.model_copy(update={"model": its.model.model_copy(update=kept), "tokenizer": its.tokenizer})
        return Request(adopted, asked | frozenset(ModelConfig.model_fields))

    def coverage(self, tokenizer: Tokenizer, symbol_counts: NDArray[np.int64]) -> str:
        """Returns a sentence on how much of the new text the run's own symbols cover."""
        num_old = self.loaded.tokenizer.vocabulary_size
        covered = 1 - symbol_counts[num_old:].sum() / max(1, symbol_counts.sum())
        return (
            f"Starting from '{self.name}': its {num_old:,} symbols cover {covered:.3%} of the text, "
            f"{tokenizer.vocabulary_size - num_old:,} new ones were added."
        )

    def weights_for(self, tokenizer: Tokenizer, *, seed: int) -> Callable[[Network], None]:
        """Returns what gives a network this run's weights, with rows for the symbols that were added."""
        weights = grow_vocabulary(
            network_of(self.loaded.model).state_dict(),
            vocabulary_size=tokenizer.vocabulary_size,
            generator=torch.Generator().manual_seed(Streams.from_seed(seed).weights),
        )
        return lambda model: load_weights(network_of(model), weights, source="the run to start from")


def load_origin(run: str, workspace: Workspace) -> Origin:
    """Returns the run to start from.

    Raises:
        CheckpointError: there is no such run, or it is damaged.
        ConfigError: it has no weights.
    """
    loaded = load_model(run, workspace, device=torch.device("cpu"))
    if loaded.config.model.model == "ngram":
        raise ConfigError(f"'{loaded.name}' is an n-gram model, which has no weights to start from.")
    return Origin(loaded)
