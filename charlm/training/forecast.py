"""How good a model gets by so much training, as far as is needed to compare one choice of sizes with another."""

import math

# Fitted to trainings of two-layer LSTMs on several texts; docs/budget.md has the points, the fit and its spread.
_WEIGHTS_EXPONENT = 0.394
_SYMBOLS_EXPONENT = 0.570
_WEIGHTS_FACTOR = 1.465
_UNIT_WEIGHTS = 6e5
_UNIT_SYMBOLS = 4e6
_CRITICAL_BATCH = 9000
_CRITICAL_BATCH_EXPONENT = 0.43
_LASTING_EPOCHS = 13.7


def forecast(*, weights: int, batch_symbols: float, symbols: float, corpus_symbols: int) -> float:
    """Returns a loss above the lowest possible one, in units that depend on the text alone.

    A sum of what the model is too small for and what it has read too little for, each a power law (Hestness
    et al. 2017, Kaplan et al. 2020). Reading a text again is worth less each time (Muennighoff et al. 2023),
    and so is a symbol in a larger batch (McCandlish et al. 2018).

    Args:
        weights: numbers in the recurrent layers' matrices.
        batch_symbols: symbols that one step reads.
        symbols: symbols that the whole training reads.
        corpus_symbols: symbols of the training text.
    """
    epochs = symbols / corpus_symbols
    if epochs > 1.0:
        repeated = _LASTING_EPOCHS * (1.0 - math.exp(-(epochs - 1.0) / _LASTING_EPOCHS))
        symbols = corpus_symbols * (1.0 + repeated)
    critical_batch = _CRITICAL_BATCH * math.pow(symbols / _UNIT_SYMBOLS, _CRITICAL_BATCH_EXPONENT)
    worth = symbols / (1.0 + batch_symbols / critical_batch)
    too_small = _WEIGHTS_FACTOR * math.pow(weights / _UNIT_WEIGHTS, -_WEIGHTS_EXPONENT)
    return too_small + math.pow(worth / _UNIT_SYMBOLS, -_SYMBOLS_EXPONENT)
