"""Times whole trainings against their budgets, undisturbed and with a process that comes or goes in the middle.

    python benchmarks/budgets.py tinyshakespeare.txt more.txt [--budgets 10s 20s]

A text of some 40 characters, made here, comes first, with a budget of 8 s. "starting" is a process that keeps one core
busy from half of the budget on, "ending" one that does so until then. The time is that of the command from outside, its
start, the scores and the sample at its end included; a budget is kept where the longest is not above it.
"""

import argparse
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from busy import busy_process, charlm
from machine import describe_machine

from charlm.notation import parse_seconds

SHORT_TEXT = "The quick brown fox jumps over the dogs.\n"
SHORT_BUDGET = "8s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("texts", type=Path, nargs="*", help="texts to train on")
    parser.add_argument("--budgets", nargs="+", default=("10s", "15s", "20s"), help="of each of the texts")
    parser.add_argument("--repeat", type=int, default=3)
    arguments = parser.parse_args()
    print(f"{describe_machine()}: shortest and longest of {arguments.repeat}, in seconds", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        short = folder / "short.txt"
        short.write_text(SHORT_TEXT)
        cases = [(short, SHORT_BUDGET), *((text, each) for text in arguments.texts for each in arguments.budgets)]
        for text, budget in cases:
            _time_budget(text.resolve(), budget, folder, repeat=arguments.repeat)


@contextmanager
def starting(seconds: float) -> Iterator[None]:
    """Keeps one core busy from some seconds after the block's start to its end."""
    over = threading.Event()

    def wait() -> None:
        if not over.wait(seconds):
            with busy_process():
                over.wait()

    with _thread(wait):
        try:
            yield
        finally:
            over.set()


@contextmanager
def ending(seconds: float) -> Iterator[None]:
    """Keeps one core busy from the block's start to some seconds after it, or to its end."""
    over = threading.Event()

    def wait() -> None:
        with busy_process():
            over.wait(seconds)

    with _thread(wait):
        try:
            yield
        finally:
            over.set()


def _time_budget(text: Path, budget: str, folder: Path, *, repeat: int) -> None:
    """Prints how long trainings on a text take under a budget, in each way."""
    limit = parse_seconds(budget)
    ways = {
        "undisturbed": nullcontext,
        "starting": lambda: starting(limit / 2),
        "ending": lambda: ending(limit / 2),
    }
    taken: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(repeat):
        for way, neighbour in ways.items():
            with neighbour():
                seconds, _ = charlm("train", str(text), "--budget", budget, "--quiet", folder=folder)
            taken[way].append(seconds)
    for way, times in taken.items():
        verdict = "kept" if max(times) <= limit else f"exceeded by {max(times) - limit:.1f}"
        print(f"{text.name:<20}{budget:>6} {way:<12}{min(times):>6.1f}{max(times):>6.1f}  {verdict}", flush=True)


@contextmanager
def _thread(work: Callable[[], None]) -> Iterator[None]:
    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        thread.join()


if __name__ == "__main__":
    main()
