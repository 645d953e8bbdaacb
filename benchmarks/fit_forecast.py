"""Fits the forecast that chooses sizes for a time budget to trainings, prints its constants, and draws the fit.

    python benchmarks/fit_forecast.py [--plot docs/forecast.svg]

Reads benchmarks/trainings.jsonl: one training a line, each of them `charlm train` with `--steps` and the
settings that the line names, a two-layer LSTM, scored on the validation part. A text has a lowest loss and a
unit of its own; everything else is shared, and goes into charlm/training/forecast.py.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

TRAININGS = Path(__file__).parent / "trainings.jsonl"
UNIT_WEIGHTS = 6e5
UNIT_SYMBOLS = 4e6
WINDOW_TURN = 1.5e6
NOISE = 0.005  # Nats between two seeds of the same training.

# What is fitted, with a first guess and how far from it is plausible: few trainings say much about the last three.
SHARED = {
    "weights exponent": (0.35, 0.2),
    "symbols exponent": (0.45, 0.2),
    "log weights factor": (0.0, 1.0),
    "log critical batch": (np.log(8000.0), 1.0),
    "critical batch exponent": (0.5, 0.3),
    "log lasting epochs": (np.log(8.0), 0.7),
    "window factor": (0.0, 0.05),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--verbose", action="store_true", help="print every training beside its forecast")
    arguments = parser.parse_args()
    try:
        from scipy.optimize import least_squares
    except ImportError:
        sys.exit("This needs SciPy, and Matplotlib to draw: pip install 'charlm[plots]'")
    trainings = [json.loads(line) for line in TRAININGS.read_text().splitlines()]
    texts = sorted({each["text"] for each in trainings})
    data = _columns(trainings, texts)

    def residuals(parameters: NDArray[np.float64]) -> NDArray[np.float64]:
        priors = [(p - guess) / width for p, (guess, width) in zip(parameters, SHARED.values(), strict=False)]
        units = (parameters[len(SHARED) + len(texts) :] - np.log(0.2)) / 0.7
        return np.concatenate([(_predict(parameters, data, len(texts)) - data["nats"]) / NOISE, priors, units])

    first = [guess for guess, _ in SHARED.values()] + [1.0] * len(texts) + [np.log(0.2)] * len(texts)
    parameters = least_squares(residuals, np.array(first), max_nfev=20_000).x
    predicted = _predict(parameters, data, len(texts))
    for name, value in zip(SHARED, parameters, strict=False):
        is_log = name.startswith("log ")
        print(f"{name.removeprefix('log ')}: {np.exp(value) if is_log else value:.4g}")
    for index, text in enumerate(texts):
        own = data["text"] == index
        spread = np.sqrt(np.mean((predicted - data["nats"])[own] ** 2))
        print(f"{text}: {own.sum()} trainings, {spread:.4f} nats off (root mean square)")
    if arguments.verbose:
        for training, forecast in zip(trainings, predicted, strict=True):
            print(f"{forecast:.4f}", json.dumps(training))
    if arguments.plot:
        _draw(arguments.plot, trainings, texts, data, predicted)


def _columns(trainings: list[dict], texts: list[str]) -> dict[str, NDArray]:
    columns = {
        name: np.array([training[name] for training in trainings], dtype=float)
        for name in ("hidden_size", "batch_size", "sequence_length", "steps", "corpus_symbols", "nats")
    }
    batch = columns["batch_size"] * columns["sequence_length"]
    return columns | {
        "text": np.array([texts.index(training["text"]) for training in trainings]),
        "weights": 16 * columns["hidden_size"] ** 2 / UNIT_WEIGHTS,
        "batch": batch,
        "symbols": columns["steps"] * batch / UNIT_SYMBOLS,
        "corpus": columns["corpus_symbols"] / UNIT_SYMBOLS,
    }


def _predict(parameters: NDArray, data: dict[str, NDArray], num_texts: int) -> NDArray:
    """Returns the loss in nats: charlm/training/forecast.py in a text's unit, above its lowest loss."""
    by_weights, by_symbols, log_factor, log_batch, by_batch, log_epochs, window = parameters[: len(SHARED)]
    lowest = parameters[len(SHARED) :][:num_texts]
    units = np.exp(parameters[len(SHARED) + num_texts :])
    lasting = np.exp(log_epochs)
    epochs = data["symbols"] / data["corpus"]
    repeated = data["corpus"] * (1.0 + lasting * (1.0 - np.exp(-np.maximum(epochs - 1.0, 0.0) / lasting)))
    symbols = np.where(epochs > 1.0, repeated, data["symbols"])
    worth = symbols / (1.0 + data["batch"] / (np.exp(log_batch) * symbols**by_batch))
    shortness = np.maximum(0.0, np.log2(64.0 / data["sequence_length"]))
    cut = window * shortness * np.maximum(0.0, np.log(symbols * UNIT_SYMBOLS / WINDOW_TURN))
    above = np.exp(log_factor) * data["weights"] ** -by_weights + worth**-by_symbols + cut
    return lowest[data["text"]] + units[data["text"]] * above


def _draw(path: Path, trainings: list[dict], texts: list[str], data: dict[str, NDArray], predicted: NDArray) -> None:
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4.5))
    for index, text in enumerate(texts):
        own = data["text"] == index
        left.scatter(predicted[own], data["nats"][own], s=14, label=text)
        right.scatter(data["symbols"][own] * UNIT_SYMBOLS, (data["nats"] - predicted)[own], s=14, label=text)
    ends = [predicted.min(), predicted.max()]
    left.plot(ends, ends, color="grey", linewidth=0.8)
    left.set(xlabel="forecast, nats/char", ylabel="validation, nats/char")
    left.legend()
    right.axhspan(-NOISE, NOISE, color="grey", alpha=0.2, label="one seed and another")
    right.set(xscale="log", xlabel="characters trained on", ylabel="validation - forecast, nats/char")
    figure.suptitle(f"{len(trainings)} trainings and the forecast fitted to them")
    figure.tight_layout()
    figure.savefig(path)


if __name__ == "__main__":
    main()
