"""Times what comes before and after the work: help, start of training, its end, encoding, start of sampling.

    python benchmarks/startup.py path/to/tinyshakespeare.txt [--parts help,commands,encoding]

Commands are whole processes, timed from outside by what they print; medians of several. What is over before any work
begins is also told against the time that importing Typer, Rich and pydantic takes, with which it takes turns. Encoding
is the whole path from a file to symbols on the disk (reading, decoding, digest, vocabulary, encoding, syncing) on one
core, of texts generated here, each in a fresh process, with the most memory it took.
"""

import argparse
import multiprocessing
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path

import numpy as np
from machine import describe_machine

ALPHABETS = {
    "ASCII": "abcdefghijklmnopqrstuvwxyz",
    "Cyrillic": "".join(map(chr, range(0x430, 0x450))),
    "CJK": "".join(map(chr, range(0x4E00, 0x5600))),
}
BLOCK_CHARACTERS = 2_000_000
PARTS = ("help", "commands", "encoding")
WITHOUT_WORK = (
    ("--help",),
    ("train", "--help"),
    ("sample", "--help"),
    ("eval", "perplexity", "--help"),
    ("trian",),
    ("train", "--hidden-sise", "8"),
    ("train", "text.txt", "--hidden-size", "0"),
)
"""Commands that end with their help or with a usage error."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("text", type=Path, help="tiny-shakespeare, as one file")
    parser.add_argument("--parts", default=",".join(PARTS), help="which of them, with commas")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--megabytes", type=int, default=100, help="size of each text that is encoded")
    arguments = parser.parse_args()
    parts = arguments.parts.split(",")
    if unknown := set(parts) - set(PARTS):
        sys.exit(f"There is no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}.")
    print(describe_machine(), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        if "help" in parts:
            _time_help(Path(folder), repeat=arguments.repeat)
        if "commands" in parts:
            _time_commands(arguments.text.resolve(), Path(folder), arguments)
        if "encoding" in parts:
            _time_encoding(Path(folder), arguments)


def _time_help(folder: Path, *, repeat: int) -> None:
    imports = [sys.executable, "-c", "import typer, rich, pydantic"]
    commands = {"charlm " + " ".join(words): _charlm(words) for words in WITHOUT_WORK}
    seconds: dict[str, list[float]] = {name: [] for name in ("imports", *commands)}
    for _ in range(repeat + 1):
        for name, command in (("imports", imports), *commands.items()):
            seconds[name].append(_until_end(command, folder))
    # The first round has read the files.
    least = statistics.median(seconds["imports"][1:])
    for name, each in seconds.items():
        median = statistics.median(each[1:])
        print(f"{name}: {1e3 * median:.0f} ms, {median / least:.2f} times the imports", flush=True)


def _time_commands(text: Path, folder: Path, arguments: argparse.Namespace) -> None:
    train = ["train", str(text), "--split", "90/10/0", "--threads", str(arguments.threads)]
    train += ["--steps", "50", "--evaluations", "1"]
    for state in ("cold", "warm"):
        first, last = [], []
        for number in range(arguments.repeat):
            if state == "cold":
                _remove_cache(folder)
            shown = _until_lines([*train, "--name", f"{state}-{number}"], folder, ("step 1/50", "step 50/50"))
            first.append(shown[0])
            last.append(shown[2] - shown[1])
        _show(f"charlm train, corpus cache {state}: to the first step", first)
        _show(f"charlm train, corpus cache {state}: from the last step to the end", last)
    sample = ["sample", "warm-0", "--length", "200", "--seed", "1"]
    _show("charlm sample: to the first character", [_until_output(sample, folder) for _ in range(arguments.repeat)])


def _time_encoding(folder: Path, arguments: argparse.Namespace) -> None:
    for name, alphabet in ALPHABETS.items():
        path = folder / f"{name}.txt"
        _write_text(path, alphabet, num_bytes=arguments.megabytes * 1_000_000)
        for kind, records in (("char", False), ("byte", False), ("char", True)):
            results = [_in_fresh_process(_encode, path, kind, records) for _ in range(min(3, arguments.repeat))]
            seconds = statistics.median(result[0] for result in results)
            memory = max(result[1] for result in results)
            label = f"{kind}{', lines as records' if records else ''}"
            speed = path.stat().st_size / 1e6 / seconds
            print(f"encoding {name}, {label}: {speed:.0f} MB/s, {memory:.0f} MB of memory", flush=True)
        path.unlink()


def _until_end(command: Sequence[str], folder: Path) -> float:
    """Returns the seconds of a command that may end with a usage error."""
    started = time.perf_counter()
    if subprocess.run(command, cwd=folder, capture_output=True).returncode not in (0, 2):
        sys.exit(f"{' '.join(command)} failed")
    return time.perf_counter() - started


def _until_lines(command: Sequence[str], folder: Path, beginnings: Sequence[str]) -> list[float]:
    """Returns when the process printed a line with each beginning, in this order, and when it ended."""
    seconds = []
    awaited = list(beginnings)
    started = time.perf_counter()
    with subprocess.Popen(
        _charlm(command), cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if awaited and line.startswith(awaited[0]):
                seconds.append(time.perf_counter() - started)
                awaited.pop(0)
    seconds.append(time.perf_counter() - started)
    if process.returncode or awaited:
        sys.exit(f"charlm {' '.join(command)} failed, or did not print '{awaited}'")
    return seconds


def _until_output(command: Sequence[str], folder: Path) -> float:
    started = time.perf_counter()
    with subprocess.Popen(
        _charlm(command), cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
    ) as process:
        assert process.stdout is not None
        process.stdout.read(1)
        seconds = time.perf_counter() - started
        process.stdout.read()
    return seconds


def _charlm(command: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "charlm", *command]


def _remove_cache(folder: Path) -> None:
    for path in sorted((folder / "data").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()


def _write_text(path: Path, alphabet: str, *, num_bytes: int) -> None:
    """Writes words of 1 to 9 letters, the first letters of the alphabet the most frequent, eight words a line."""
    rng = np.random.default_rng(1)
    letters = np.array([*alphabet])
    shares = 1 / np.arange(1, len(letters) + 1)
    characters = letters[rng.choice(len(letters), size=BLOCK_CHARACTERS, p=shares / shares.sum())]
    ends = np.cumsum(rng.integers(2, 11, size=BLOCK_CHARACTERS // 10))
    characters[ends[ends < BLOCK_CHARACTERS]] = " "
    characters[ends[::8][ends[::8] < BLOCK_CHARACTERS]] = "\n"
    block = "".join(characters)
    written = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        while written < num_bytes:
            # Turned to another beginning each time, so that no two blocks are the same.
            turn = int(rng.integers(BLOCK_CHARACTERS))
            piece = block[turn:] + block[:turn]
            written += len(piece.encode())
            file.write(piece)


def _encode(path: Path, kind: str, records: bool) -> tuple[float, float]:
    """Returns the seconds that encoding a text took, and the most memory of this process in MB."""
    from charlm.config import DataConfig, TokenizerConfig
    from charlm.data.corpus import prepare_corpus
    from charlm.data.inputs import open_corpus
    from charlm.data.tokenizers.build import learnt

    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    data = DataConfig(corpus=(str(path),), records="lines" if records else "none")
    config = TokenizerConfig.model_validate({"tokenizer": kind})
    with tempfile.TemporaryDirectory(dir=path.parent) as place:
        started = time.perf_counter()
        prepare_corpus(
            open_corpus(data, folder=Path(place), stdin=None),
            folder=Path(place),
            recipe=learnt(config, records=records),
            records=records,
            progress=lambda *_: nullcontext(lambda _: None),
        )
        seconds = time.perf_counter() - started
    return seconds, _most_megabytes()


def _most_megabytes() -> float:
    """Returns the most memory that this process has had."""
    status = Path("/proc/self/status")
    if status.exists():  # Linux counts in ru_maxrss what the parent had before it started this program, too.
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1e3
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / 1e6 if sys.platform == "darwin" else most / 1e3


def _in_fresh_process(function: Callable[..., tuple[float, float]], *values: object) -> tuple[float, float]:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, values)


def _show(what: str, seconds: Sequence[float]) -> None:
    print(
        f"{what}: {statistics.median(seconds):.2f} s (of {len(seconds)}: {min(seconds):.2f} to {max(seconds):.2f})",
        flush=True,
    )


if __name__ == "__main__":
    main()
