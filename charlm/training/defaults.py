"""Defaults that follow from other settings; docs/experiments.md has what they rest on."""


def default_learning_rate(hidden_size: int) -> float:
    """Returns a highest learning rate that suits a width."""
    return min(0.008, 1.5 / hidden_size)


def default_dropout(epochs: float) -> float:
    """Returns a dropout that suits how often the text is read: more passes over the same text need more.

    0.05 up to 10 epochs, then 0.01 more for each one, up to 0.3.
    """
    return round(min(0.3, max(0.05, 0.05 + 0.01 * (epochs - 10.0))), 3)
