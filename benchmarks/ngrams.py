"""Times counting, scoring and stepping n-gram models.

    python benchmarks/ngrams.py TEXT... [--order 8] [--characters 5000000]

The text is the files one after the other, cut to the length asked for.
"""

import argparse
import resource
import time
from pathlib import Path

import numpy as np
from machine import describe_machine

from charlm.ngrams.build import count_model
from charlm.ngrams.stepping import NgramStepModel

SCORED = 200_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("text", type=Path, nargs="+")
    parser.add_argument("--order", type=int, default=8)
    parser.add_argument("--characters", type=int, default=5_000_000)
    arguments = parser.parse_args()
    text = "".join(path.read_text(encoding="utf-8") for path in arguments.text)
    characters, tokens = np.unique(np.array(list(text)), return_inverse=True)
    tokens = tokens[: arguments.characters].astype(np.uint16)
    print(describe_machine())
    for smoothing in ("kneser-ney", "witten-bell"):
        started = time.perf_counter()
        counted = count_model(tokens, order=arguments.order, smoothing=smoothing, vocabulary_size=len(characters))
        seconds = time.perf_counter() - started
        model = counted.model
        grams = sum(len(level.keys) for level in model.levels)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(
            f"{smoothing}, order {arguments.order}: {len(tokens):,} characters counted in {seconds:.1f} s, "
            f"{grams:,} grams, at most {peak:.2f} GB of memory"
        )
        heard = tokens[:SCORED]
        started = time.perf_counter()
        contexts = model.contexts_after(heard[:-1, None], model.first_contexts(1))
        model.probabilities(contexts, heard[1:, None])
        alone = time.perf_counter() - started
        started = time.perf_counter()
        for start in range(0, len(heard) - 512, 512):
            model.distributions(contexts[:, start : start + 512])
        whole = time.perf_counter() - started
        steps = NgramStepModel(model)
        stepper = steps.stepper(steps.initial_state(1))
        started = time.perf_counter()
        for place in range(20_000):
            stepper.step(heard[place : place + 1])
        step = (time.perf_counter() - started) / 20_000
        print(
            f"  scored: {len(heard) / alone:,.0f} characters/s, with all symbols' probabilities "
            f"{len(heard) / whole:,.0f}; stepped: {1e6 * step:.1f} us a character"
        )


if __name__ == "__main__":
    main()
