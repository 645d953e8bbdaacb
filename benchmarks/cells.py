"""Trains every cell with one to three layers for a while, and prints what each has learnt beside the simplest models.

    python benchmarks/cells.py path/to/tinyshakespeare.txt [--budget 30s] [--seeds 1 2 3] [--threads 1]

The network alone, on the usual split: nats a character on the validation text. A cell learns where it is at least 0.8
nats below the model of single characters (order 1); the last line counts those that do not.
"""

import argparse
import json
import tempfile
from pathlib import Path

from busy import charlm
from machine import describe_machine

from charlm.cells import cell_names

LAYERS = (1, 2, 3)
FEWEST_LEARNT = 0.8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("text", type=Path)
    parser.add_argument("--budget", default="30s", help="of each training")
    parser.add_argument("--seeds", type=int, nargs="+", default=(1, 2, 3))
    parser.add_argument("--threads", type=int, help="of each training  [default: all cores]")
    arguments = parser.parse_args()
    common = ["--budget", arguments.budget, "--mix", "none"]
    common += [] if arguments.threads is None else ["--threads", str(arguments.threads)]
    with tempfile.TemporaryDirectory() as name:
        folder, text = Path(name), str(arguments.text.resolve())
        unigram = _validation(folder, text, "--model", "ngram", "--order", "1")
        print(f"{describe_machine()}; order 1: {unigram:.3f} nats/char", flush=True)
        unlearnt = 0
        for label, options in _variants():
            for layers in LAYERS:
                losses = [
                    _validation(folder, text, *options, "--num-layers", str(layers), "--seed", str(seed), *common)
                    for seed in arguments.seeds
                ]
                unlearnt += sum(loss > unigram - FEWEST_LEARNT for loss in losses)
                print(f"{label:<24}{layers}  {'  '.join(f'{loss:.3f}' for loss in losses)}", flush=True)
        print(f"{unlearnt} that are not {FEWEST_LEARNT} nats better than order 1")


def _variants() -> list[tuple[str, list[str]]]:
    """Returns the networks by what is printed of them, and the options that choose them."""
    cells = [(cell, ["--cell", cell]) for cell in cell_names()]
    others = {
        "rnn, relu": ["--cell", "rnn", "--nonlinearity", "relu"],
        "jordan, teacher-forced": ["--cell", "jordan", "--feedback", "target"],
        "mlp": ["--model", "mlp"],
    }
    return [*cells, *others.items()]


def _validation(folder: Path, text: str, *options: str) -> float:
    """Returns the loss of a model on the validation text."""
    _, output = charlm("train", text, *options, "--json", "--quiet", folder=folder)
    return float(json.loads(output)["validation"]["nats_per_symbol"])


if __name__ == "__main__":
    main()
