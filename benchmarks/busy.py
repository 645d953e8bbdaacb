"""Times whole commands beside a process that keeps one core busy, against the same commands undisturbed.

    python benchmarks/busy.py path/to/tinyshakespeare.txt [--parts train,budget,score,sample,int8]

Every figure is characters a second: of a training as its result says, of the others by the time of the whole command.
Both ways take turns, so that what else the machine does falls on both; medians. A ratio of 1 means that the busy
process costs nothing, as where a command uses one of two cores anyway.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from machine import describe_machine

PARTS = ("train", "budget", "score", "sample", "int8")
SIZES = (128, 256, 448)

Speed = Callable[[], float]
"""Runs a command and returns its characters a second."""


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
    print(f"{describe_machine()}: characters/s undisturbed, beside a busy process, and their ratio", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder, text = Path(name), arguments.text.resolve()
        for size in arguments.sizes:
            speeds = _speeds(text, folder, size, arguments)
            for part in parts:
                _compare(f"{part}, 2 x {size}", speeds[part], repeat=arguments.repeat)


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


def _speeds(text: Path, folder: Path, size: int, arguments: argparse.Namespace) -> dict[str, Speed]:
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
    return {
        "train": lambda: train("--steps", str(arguments.steps)),
        "budget": lambda: train("--budget", arguments.budget),
        "score": score,
        "sample": sample,
        "int8": lambda: sample("--weights", "int8"),
    }


def _compare(label: str, speed: Speed, *, repeat: int) -> None:
    """Prints the medians of a command's speed in both ways, and of the ratios of each pair."""
    alone, beside = [], []
    for _ in range(repeat):
        for found, neighbour in ((alone, nullcontext()), (beside, busy_process())):
            with neighbour:
                found.append(speed())
    ratio = statistics.median(busy / quiet for quiet, busy in zip(alone, beside, strict=True))
    print(f"{label:<18}{statistics.median(alone):>10,.0f}{statistics.median(beside):>10,.0f}{ratio:>7.2f}", flush=True)


if __name__ == "__main__":
    main()
