"""Trains with every default on a text for a time budget, and prints what came of it beside the machine.

    python benchmarks/quality.py path/to/tinyshakespeare.txt --split 90/10/0 --budget 90s --repeat 3

Each repetition is a whole process with its own seed; the median is what to quote.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from machine import describe_machine


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("text", type=Path)
    parser.add_argument("--split", default="90/10/0")
    parser.add_argument("--budget", default="90s")
    parser.add_argument("--repeat", type=int, default=1)
    arguments, more = parser.parse_known_args()
    print(describe_machine())
    losses = []
    for seed in range(1, arguments.repeat + 1):
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "charlm", "train", str(arguments.text.resolve()), "--json", "--quiet"]
            command += ["--split", arguments.split, "--budget", arguments.budget, "--seed", str(seed), *more]
            started = time.perf_counter()
            finished = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
            seconds = time.perf_counter() - started
        if finished.returncode:
            sys.exit(finished.stderr)
        result = json.loads(finished.stdout)
        score = result["validation"]
        losses.append(score["nats_per_symbol"])
        print(
            f"seed {seed}: validation {score['nats_per_symbol']:.4f} nats/char, "
            f"{score['bits_per_character']:.4f} bits/char over {score['characters']:,} characters; "
            f"{result['steps']:,} steps, {result['parameters']:,} parameters, "
            f"{result['characters_per_second']:,.0f} characters/s, whole process {seconds:.1f} s",
            flush=True,
        )
    print(f"median {statistics.median(losses):.4f} nats/char")


if __name__ == "__main__":
    main()
