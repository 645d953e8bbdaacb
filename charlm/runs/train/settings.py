"""A configuration with other values of some settings, and the defaults that follow from a width or a length."""

from typing import Any

from charlm.config import RunConfig, by_section
from charlm.tasks import TASKS
from charlm.training.defaults import (
    default_dropout,
    default_dropout_of_examples,
    default_embedding_size,
    default_learning_rate,
    hidden_weights,
)


def with_settings(config: RunConfig, **settings: Any) -> RunConfig:
    """Returns the configuration with other values of some settings; no two sections have one of the same name."""
    changed = {name: getattr(config, name).model_copy(update=values) for name, values in by_section(settings).items()}
    return config.model_copy(update=changed)


def with_defaults_of_width(config: RunConfig) -> RunConfig:
    """Returns the configuration with the embedding size and the learning rate that suit its width and its task."""
    model = config.model
    sizes = None if config.data.task is None else TASKS[config.data.task].sizes
    usual_rate = default_learning_rate(model, model.hidden_size) * (1.0 if sizes is None else sizes.rate)
    return with_settings(
        config,
        embedding_size=model.embedding_size or default_embedding_size(model),
        learning_rate=config.training.learning_rate or round(usual_rate, 4),
    )


def with_lane_groups(config: RunConfig, groups: int) -> RunConfig:
    """Returns the configuration with a number of lane groups, unless it has one; no more than there are lanes."""
    training = config.training
    return with_settings(config, lane_groups=min(training.lane_groups or groups, training.batch_size))


def with_default_dropout(config: RunConfig, *, epochs: float, symbols: int) -> RunConfig:
    """Returns the configuration with the dropout that suits its task, or its size and how often the text is read.

    Args:
        symbols: in the training text.
    """
    if config.model.dropout is not None:
        return config
    sizes = None if config.data.task is None else TASKS[config.data.task].sizes
    if sizes is None:
        usual = default_dropout(epochs, weights_per_symbol=hidden_weights(config.model) / symbols)
    else:
        usual = default_dropout_of_examples(epochs) if sizes.dropout is None else sizes.dropout
    return with_settings(config, dropout=usual)
