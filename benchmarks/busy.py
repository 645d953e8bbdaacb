"""Times whole commands beside a process that keeps one core busy, against the same commands undisturbed.

    python benchmarks/busy.py path/to/tinyshakespeare.txt [--parts train,budget,score,sample,int8,groups]

Every figure is characters a second: of a training as its result says, of the others by the time of the whole command.
Both ways take turns, so that what else the machine does falls on both; medians. A ratio of 1 means that the busy
process costs nothing, as where a command uses one of two cores anyway.

The part `groups` tells what groups of lanes cost or save where nothing disturbs: trainings whose every product is on
all threads (--lane-groups 1), against the usual ones.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from machine import describe_machine

PARTS = ("train", "budget", "score", "sample", "int8", "groups")
SIZES = (128, 256, 448)

Speed = Callable[[], float]
"""Runs a command and returns its characters a second."""
Pairs = dict[str, tuple[Speed, Speed]]
"""What is compared with what, by what is printed of it."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("text", type=Path, help="tiny-shakespeare, as one file")
    parser.add_argument("--parts", default=",".join(PARTS), help="which of them, with commas")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="units of the two layers")
    parser.add_argument("--steps", type=int, default=100, help="steps of a training")
    parser.add_argument("--budget", default="15s", help="time of a training under a budget")
    parser.add_argument("--length", type=int, default=20_000, help="characters of a sample")
    parser.add_argument("--scored", type=int, default=50_000, help="bytes of the text that is scored")
    parser.add_argument("--repeat", type=int, default=3)
    arguments = parser.parse_args()
    parts = arguments.parts.split(",")
    if unknown := set(parts) - set(PARTS):
        sys.exit(f"There is no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}.")
    print(f"{describe_machine()}: characters/s undisturbed, beside a busy process, and their ratio;")
    print("of groups, on shared threads, in groups, and their ratio, undisturbed", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder, text = Path(name), arguments.text.resolve()
        for size in arguments.sizes:
            pairs = _pairs(text, folder, size, arguments)
            for part in parts:
                for label, (first, second) in pairs[part].items():
                    _compare(f"{label}, 2 x {size}", first, second, repeat=arguments.repeat)


@contextmanager
def busy_process() -> Iterator[None]:
    """Keeps one core busy inside the block."""
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as process:
        try:
            yield
        finally:
            process.kill()


def charlm(*arguments: str, folder: Path) -> tuple[float, bytes]:
    """Runs a command in a folder and returns the seconds that it took, and its output.

    Raises:
        CalledProcessError: it failed.
    """
    started = time.perf_counter()
    command = [sys.executable, "-m", "charlm", *arguments]
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started, done.stdout


def _pairs(text: Path, folder: Path, size: int, arguments: argparse.Namespace) -> dict[str, Pairs]:
    run, scored = f"run-{size}", folder / "scored.txt"
    scored.write_bytes(text.read_bytes()[: arguments.scored])
    shape = ("--num-layers", "2", "--hidden-size", str(size), "--mix", "none")
    number = 0

    def train(*length: str) -> float:
        nonlocal number
        number += 1
        _, output = charlm(
            "train", str(text), *shape, *length, "--json", "--quiet", "--name", f"{run}-{number}", folder=folder
        )
        return float(json.loads(output)["characters_per_second"])

    def score() -> float:
        seconds, _ = charlm("eval", "perplexity", run, str(scored), "--quiet", folder=folder)
        return arguments.scored / seconds

    def sample(*options: str) -> float:
        seconds, _ = charlm("sample", run, "--length", str(arguments.length), "--seed", "1", *options, folder=folder)
        return arguments.length / seconds

    charlm("train", str(text), *shape, "--steps", "1", "--quiet", "--name", run, folder=folder)
    steps, budget = ("--steps", str(arguments.steps)), ("--budget", arguments.budget)
    speeds: dict[str, Speed] = {
        "train": lambda: train(*steps),
        "budget": lambda: train(*budget),
        "score": score,
        "sample": sample,
        "int8": lambda: sample("--weights", "int8"),
    }
    pairs: dict[str, Pairs] = {part: {part: (speed, _beside_busy(speed))} for part, speed in speeds.items()}
    shared = ("--lane-groups", "1")
    pairs["groups"] = {
        "groups, steps": (lambda: train(*steps, *shared), speeds["train"]),
        "groups, budget": (lambda: train(*budget, *shared), speeds["budget"]),
    }
    return pairs


def _beside_busy(speed: Speed) -> Speed:
    def measure() -> float:
        with busy_process():
            return speed()

    return measure


def _compare(label: str, first: Speed, second: Speed, *, repeat: int) -> None:
    """Prints the medians of two speeds, and of the ratios of each pair."""
    pairs = [(first(), second()) for _ in range(repeat)]
    medians = [statistics.median(each) for each in zip(*pairs, strict=True)]
    ratio = statistics.median(another / one for one, another in pairs)
    print(f"{label:<24}{medians[0]:>10,.0f}{medians[1]:>10,.0f}{ratio:>7.2f}", flush=True)


if __name__ == "__main__":
    main()
