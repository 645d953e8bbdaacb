"""Times what one waits for when looking at runs: a list of many, the surprisal of a long text, an answer of `play`.

    python benchmarks/looking.py RUN TEXT [--num-runs 200] [--characters 1000000] [--repeat 5]

`charlm list` has a folder of links to the files of RUN. Surprisal is that of the first characters of TEXT, written as
bars and as JSON. `charlm play` runs in a terminal of its own: from Enter to the first character of the answer. Medians
of whole processes; the first of each kind reads the files, and is not counted.
"""

import argparse
import os
import pty
import re
import select
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from shutil import copytree

from machine import describe_machine

_TYPED = b"The king"
_ANSWER = re.compile(re.escape(_TYPED) + rb"(\x1b\[\d*m)?[^\x1b]")
"""The text so far, in a colour of its own, and the first character of the answer."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="folder of a run")
    parser.add_argument("text", type=Path)
    parser.add_argument("--num-runs", type=int, default=200)
    parser.add_argument("--characters", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=5)
    arguments = parser.parse_args()
    run = arguments.run.resolve()
    print(describe_machine(), flush=True)
    # Beside the run, so that its files can be linked.
    with tempfile.TemporaryDirectory(dir=run.parent) as name:
        folder = Path(name)
        for number in range(arguments.num_runs):
            copytree(run, folder / "checkpoints" / f"run-{number}", copy_function=os.link)
        text = folder / "text.txt"
        text.write_text(arguments.text.read_text(encoding="utf-8")[: arguments.characters], encoding="utf-8")
        surprisal = ("eval", "surprisal", "run-0", str(text))
        measured: dict[str, Callable[[], float]] = {
            f"charlm list, {arguments.num_runs} runs": partial(_seconds, ("list",), folder),
            f"charlm eval surprisal, {arguments.characters:,} characters": partial(_seconds, surprisal, folder),
            "the same with --json": partial(_seconds, (*surprisal, "--json"), folder),
            "charlm play, Enter to the first character": partial(_seconds_to_answer, "run-0", folder),
        }
        for what, measure in measured.items():
            seconds = [measure() for _ in range(arguments.repeat + 1)][1:]
            median, least, most = statistics.median(seconds), min(seconds), max(seconds)
            print(f"{what}: {median:.3f} s (of {len(seconds)}: {least:.3f} to {most:.3f})", flush=True)


def _charlm(*words: str) -> list[str]:
    return [sys.executable, "-m", "charlm", *words]


def _seconds(words: tuple[str, ...], folder: Path) -> float:
    started = time.perf_counter()
    subprocess.run(_charlm(*words), cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started


def _seconds_to_answer(run: str, folder: Path) -> float:
    ours, theirs = pty.openpty()
    command = _charlm("play", run, "--length", "20")
    with subprocess.Popen(command, cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        _read_until(ours, re.compile(rb"/quit\..*>", re.DOTALL))
        os.write(ours, _TYPED)
        _read_until(ours, re.compile(_TYPED))
        started = time.perf_counter()
        os.write(ours, b"\r")
        _read_until(ours, _ANSWER)
        seconds = time.perf_counter() - started
        process.terminate()
    os.close(ours)
    os.close(theirs)
    return seconds


def _read_until(terminal: int, awaited: re.Pattern[bytes]) -> None:
    shown = b""
    while not awaited.search(shown):
        if not select.select([terminal], [], [], 60)[0]:
            sys.exit(f"charlm play wrote {shown!r} and waits")
        shown += os.read(terminal, 65536)


if __name__ == "__main__":
    main()
