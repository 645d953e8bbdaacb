"""Times the steps of one training by one process, by one under torchrun, and by several, on one thread each.

    python benchmarks/scaling.py [--processes 2] [--hidden-size 256] [--rounds 1] [--steps 300]

The same command is run in turns, on the same random text. A step's time is that of the fastest ten or more steps in a
row, the start left out, as whatever else the machine does makes it only longer.
"""

import argparse
import itertools
import json
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from machine import describe_machine, thread_environment

_STRETCH = 10


def main() -> None:
    """Prints a table of step times, and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--hidden-size", type=int, default=256)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--steps", type=int, default=300)
    options = parser.parse_args()
    print(describe_machine())
    launchers = {"one process": [sys.executable], "one, under torchrun": torchrun(1)}
    launchers[f"{options.processes} processes"] = torchrun(options.processes)
    best = dict.fromkeys(launchers, float("inf"))
    with TemporaryDirectory() as folder:
        (Path(folder) / "text.txt").write_text(random_text(200_000))
        for _ in range(options.rounds):
            for name, launcher in launchers.items():
                best[name] = min(best[name], step_seconds(launcher, Path(folder), options))
    alone = best["one process"]
    symbols = options.batch_size * 64
    for name, seconds in best.items():
        print(
            f"{name:<20} {1e3 * seconds:7.1f} ms a step {symbols / seconds:9,.0f} characters/s {alone / seconds:6.3f}"
        )


def torchrun(processes: int) -> list[str]:
    """Returns the command before `-m charlm` that starts so many processes."""
    return [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]


def random_text(length: int) -> str:
    """Returns a text of 65 symbols, as often as words are in a text (Zipf)."""
    rng = np.random.default_rng(1)
    symbols = np.array([chr(33 + number) for number in range(65)])
    shares = 1.0 / np.arange(1, 66)
    return "".join(rng.choice(symbols, length, p=shares / shares.sum()))


def step_seconds(launcher: list[str], folder: Path, options: argparse.Namespace) -> float:
    """Returns the seconds of a step in the fastest stretch of a training, which is thrown away."""
    name = f"run-{time.monotonic_ns()}"
    sizes = ["--hidden-size", str(options.hidden_size), "--num-layers", "2", "--batch-size", str(options.batch_size)]
    sizes += ["--lane-groups", str(max(options.processes, 2)), "--steps", str(options.steps), "--evaluations", "1"]
    rest = ["--threads", "1", "--device", "cpu", "--save-every", "1h", "--name", name, "--quiet"]
    command = [*launcher, "-m", "charlm", "train", "text.txt", *sizes, *rest]
    subprocess.run(command, cwd=folder, env=thread_environment(1), check=True, capture_output=True)
    lines = (folder / "checkpoints" / name / "metrics.jsonl").read_text().splitlines()
    times = [(line["step"], line["seconds"]) for line in map(json.loads, lines) if "validation" not in line]
    stretches = [
        (later[1] - sooner[1]) / (later[0] - sooner[0])
        for sooner, later in itertools.combinations(times, 2)
        if sooner[0] > _STRETCH and later[0] - sooner[0] in range(_STRETCH, 2 * _STRETCH)
    ]
    return min(stretches)


if __name__ == "__main__":
    main()
