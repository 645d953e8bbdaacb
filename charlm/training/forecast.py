"""How good a model gets by so much training, as far as is needed to compare one choice of sizes with another."""

import math

# Fitted by benchmarks/fit_forecast.py; docs/budget.md shows the fit, its spread, and where it is extrapolated.
_WEIGHTS_EXPONENT = 0.578
_SYMBOLS_EXPONENT = 0.456
_WEIGHTS_FACTOR = 0.55
_CRITICAL_BATCH = 6400.0
_CRITICAL_BATCH_EXPONENT = 0.33
_LASTING_EPOCHS = 3.9
_WINDOW_FACTOR = 0.138

# What weights, symbols and windows are measured in, and the symbols from which on long windows pay.
_UNIT_WEIGHTS = 6e5
_UNIT_SYMBOLS = 4e6
_UNIT_WINDOW = 64
_WINDOW_TURN = 1.5e6


def forecast(*, weights: int, batch_size: float, window: float, symbols: float, corpus_symbols: int) -> float:
    """Returns a loss above the lowest possible one, in units that depend on the text alone.

    A sum of what the model is too small for and what it has read too little for, each a power law (Hestness
    et al. 2017, Kaplan et al. 2020). Reading a text again is worth less each time (Muennighoff et al. 2023),
    and so is a symbol in a larger batch (McCandlish et al. 2018). Windows that cut gradients short cost the
    more, the longer the training.

    Args:
        weights: numbers in the recurrent layers' matrices.
        batch_size: stretches of text that a step reads side by side.
        window: symbols of each, that gradients flow back through.
        symbols: symbols that the whole training reads.
        corpus_symbols: symbols of the training text.
    """
    epochs = symbols / corpus_symbols
    if epochs > 1.0:
        repeated = _LASTING_EPOCHS * (1.0 - math.exp(-(epochs - 1.0) / _LASTING_EPOCHS))
        symbols = corpus_symbols * (1.0 + repeated)
    critical_batch = _CRITICAL_BATCH * math.pow(symbols / _UNIT_SYMBOLS, _CRITICAL_BATCH_EXPONENT)
    worth = symbols / (1.0 + batch_size * window / critical_batch)
    too_small = _WEIGHTS_FACTOR * math.pow(weights / _UNIT_WEIGHTS, -_WEIGHTS_EXPONENT)
    too_few = math.pow(worth / _UNIT_SYMBOLS, -_SYMBOLS_EXPONENT)
    shortness = max(0.0, math.log2(_UNIT_WINDOW / window))
    cut_short = _WINDOW_FACTOR * shortness * max(0.0, math.log(symbols / _WINDOW_TURN))
    return too_small + too_few + cut_short
