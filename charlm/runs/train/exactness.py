"""Which texts are scored as one stream at the end of a training, and which in stretches, to save time."""

EXACT_LIMIT = 1_000_000
"""Symbols up to which the final score reads one stream; a longer text is scored in warmed-up stretches."""

EXACT_SHARE = 0.01
"""So is a text longer than this share of the symbols trained on: one stream of it takes a good part of that time."""

ALWAYS_EXACT = 10_000
"""Symbols that one stream reads in a fraction of a second, however short the training was."""


def reads_one_stream(num_symbols: int, trained_on: float) -> bool:
    """Returns whether a text of so many symbols is scored as one stream after training on so many others."""
    return num_symbols <= min(EXACT_LIMIT, max(ALWAYS_EXACT, EXACT_SHARE * trained_on))
