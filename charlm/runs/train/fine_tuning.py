"""`charlm train --init-from`: a new run that starts from another one's network."""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from charlm.config import ModelConfig, Request, RunConfig
from charlm.data.tokenizers.base import Tokenizer
from charlm.data.tokenizers.conditions import ConditionTokenizer
from charlm.data.tokenizers.examples import NUM_SPECIAL, ExampleTokenizer
from charlm.errors import ConfigError
from charlm.models.base import Network
from charlm.models.build import load_weights
from charlm.models.growth import grow_vocabulary, move_trunk, renumber_vocabulary
from charlm.models.mixture import network_of
from charlm.runs.stored.loading import LoadedModel, build_stored
from charlm.runs.stored.model import read_any_model
from charlm.runs.stored.workspace import Workspace
from charlm.runs.train.setup import seeds_of
from charlm.tasks import TASKS

_FREE = frozenset(
    {
        "mix",
        "attention",
        "label_ngrams",
        "dropout",
        "embedding_dropout",
        "layer_dropout",
        "output_dropout",
        "dropout_kind",
    }
)
"""Settings of the model that its weights do not decide."""


def load_origin(run: str, workspace: Workspace) -> LoadedModel:
    """Returns the run to start from.

    Raises:
        CheckpointError: there is no such run, or it is damaged.
        ConfigError: it has no weights, or was trained for a task.
    """
    stored = read_any_model(run, workspace)
    if stored.config.data.task is not None:
        raise ConfigError(
            f"--init-from starts from a model that continues text; '{stored.name}' was trained with "
            f"--task {stored.config.data.task}."
        )
    origin = build_stored(stored, device=torch.device("cpu"))
    if origin.config.model.model == "ngram":
        raise ConfigError(f"'{origin.name}' is an n-gram model, which has no weights to start from.")
    return origin


def adopt(origin: LoadedModel, request: Request) -> Request:
    """Returns the request with the network and the tokenizer of the origin; dropout and mix may be set anew.

    Raises:
        ConfigError: something else was asked for.
    """
    config, asked, its = request.config, request.asked, origin.config
    for section, own, other in (("model", config.model, its.model), ("tokenizer", config.tokenizer, its.tokenizer)):
        for name in type(own).model_fields:
            if name in asked - _FREE and getattr(own, name) != getattr(other, name):
                raise ConfigError(
                    f"--{name.replace('_', '-')} {getattr(own, name)} is not the {section} of '{origin.name}' "
                    f"({getattr(other, name)}), whose weights are to be used; leave it out."
                )
    if config.data.task is None and config.data.records != its.data.records:
        raise ConfigError(
            f"--records {config.data.records} is not what '{origin.name}' was trained with "
            f"({its.data.records}); use the same."
        )
    kept = {name: getattr(config.model, name) for name in (asked & _FREE) | {"mix"}}
    if config.data.task is not None:
        # As the origin reads; what predicts labels is not tied to an embedding.
        is_writing = TASKS[config.data.task].head is None
        kept |= {"direction": "forward", "tie_weights": its.model.tie_weights and is_writing}
    adopted = config.model_copy(update={"model": its.model.model_copy(update=kept), "tokenizer": its.tokenizer})
    return Request(adopted, asked | frozenset(ModelConfig.model_fields))


def describe_start(
    origin: LoadedModel, config: RunConfig, tokenizer: Tokenizer, symbol_counts: NDArray[np.int64]
) -> list[str]:
    """Returns sentences on what is taken from the origin, and how much of the new text its symbols cover."""
    num_old = origin.tokenizer.vocabulary_size
    if isinstance(tokenizer, ConditionTokenizer):
        return [f"Starting from all weights of '{origin.name}'; the symbols of the conditions are new."]
    if isinstance(tokenizer, ExampleTokenizer):
        return [
            f"Starting from the layers of '{origin.name}', which are held for the first part of the training and then "
            "learn at a fifth of the rate; what predicts is new."
        ]
    covered = 1 - symbol_counts[num_old:].sum() / max(1, symbol_counts.sum())
    sentences = [
        f"Starting from '{origin.name}': its {num_old:,} symbols cover {covered:.3%} of the text, "
        f"{tokenizer.vocabulary_size - num_old:,} new ones were added."
    ]
    if origin.config.model.mixed_order is not None and config.model.mixed_order is None:
        sentences.append(f"Of '{origin.name}', the network alone is taken; --mix mixes n-grams of this text in.")
    return sentences


def weights_for(origin: LoadedModel, config: RunConfig, tokenizer: Tokenizer) -> Callable[[Network], None]:
    """Returns what gives a network the origin's weights, with rows for the symbols that were added."""
    if tokenizer.outputs is not None:
        return partial(_load_trunk, origin)
    known, generator = network_of(origin.model).state_dict(), torch.Generator().manual_seed(seeds_of(config).weights)
    if isinstance(tokenizer, ConditionTokenizer):
        weights = renumber_vocabulary(known, _old_symbols(origin.tokenizer, tokenizer), generator=generator)
    else:
        weights = grow_vocabulary(known, vocabulary_size=tokenizer.vocabulary_size, generator=generator)
    return lambda model: load_weights(network_of(model), weights, source="the run to start from")


def _old_symbols(old: Tokenizer, tokenizer: ConditionTokenizer) -> list[int | None]:
    """Returns for each symbol of texts on conditions the language model's; None for one that it lacks."""
    line_end = _line_end(old)
    ends = [line_end if old.begin is None else old.begin, line_end if old.end is None else old.end]
    of_text = range(old.vocabulary_size - old.inner.vocabulary_size, old.vocabulary_size)
    return [*ends, *of_text, *[None] * (tokenizer.vocabulary_size - len(ends) - len(of_text))]


def _line_end(tokenizer: Tokenizer) -> int | None:
    return next((number for number, piece in enumerate(tokenizer.pieces) if piece == b"\n"), None)


def _load_trunk(origin: LoadedModel, model: Network) -> None:
    """Gives a network of labels the embedding and the layers of a language model."""
    tokenizer = origin.tokenizer
    line_end = _line_end(tokenizer)
    weights = move_trunk(
        network_of(origin.model).state_dict(),
        model.state_dict(),
        first=tokenizer.vocabulary_size - tokenizer.inner.vocabulary_size,
        own_first=NUM_SPECIAL,
        begin=line_end if tokenizer.begin is None else tokenizer.begin,
    )
    load_weights(model, weights, source="the run to start from")
