"""A forecast of the loss after training, exact enough to compare sizes of models."""

import math

# Fitted by benchmarks/fit_forecast.py; docs/budget.md shows the fit, its spread, and where it is extrapolated.
_WEIGHTS_EXPONENT = 0.578
_SYMBOLS_EXPONENT = 0.456
_WEIGHTS_FACTOR = 0.55
_CRITICAL_BATCH = 6400.0
_CRITICAL_BATCH_EXPONENT = 0.33
_LASTING_EPOCHS = 3.9
_WINDOW_FACTOR = 0.138

# The units of weights, symbols and windows, and the number of symbols above which long windows help.
_UNIT_WEIGHTS = 6e5
_UNIT_SYMBOLS = 4e6
_UNIT_WINDOW = 64
_WINDOW_TURN = 1.5e6


def forecast(*, weights: int, batch_size: float, window: float, symbols: float, corpus_symbols: int) -> float:
    """Returns the loss above the lowest possible one, in units that depend on the text alone.

    It is the sum of two power laws, one in the size of the model and one in the amount of training text (Hestness
    et al. 2017, Kaplan et al. 2020). Each repetition of a text is worth less (Muennighoff et al. 2023), and so is a
    symbol in a larger batch (McCandlish et al. 2018). Short windows, which truncate gradients, cost more in a
    longer training.

    Args:
        weights: number of weights in the recurrent layers' matrices.
        batch_size: parallel sequences of a step.
        window: symbols of each sequence, through which gradients flow back.
        symbols: symbols read in the whole training.
        corpus_symbols: symbols in the training text.
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
