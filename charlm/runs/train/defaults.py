"""The defaults that follow from a width or a length, filled into a configuration."""

from charlm.config import RunConfig
from charlm.training.defaults import default_dropout, default_embedding_size, default_learning_rate


def with_defaults_of_width(config: RunConfig) -> RunConfig:
    """Returns the configuration with the embedding size and the learning rate that suit its width."""
    embedding_size = config.model.embedding_size or default_embedding_size(config.model)
    rate = config.training.learning_rate or default_learning_rate(config.model, config.model.hidden_size)
    model = config.model.model_copy(update={"embedding_size": embedding_size})
    training = config.training.model_copy(update={"learning_rate": rate})
    return config.model_copy(update={"model": model, "training": training})


def with_default_dropout(config: RunConfig, *, epochs: float) -> RunConfig:
    """Returns the configuration with the dropout that suits how often the text is read."""
    if config.model.dropout is not None:
        return config
    model = config.model.model_copy(update={"dropout": default_dropout(epochs)})
    return config.model_copy(update={"model": model})
