"""Makes a large text, and measures what becomes of it: encoded by several processes, counted on disk, trained on.

    python benchmarks/large_corpora.py make TEXT... --size 10GB --to large.txt
    python benchmarks/large_corpora.py encode large.txt --workers 1 2
    python benchmarks/large_corpora.py count large.txt --order 6 --memory 4GB
    python benchmarks/large_corpora.py steps large.txt small.txt

The made text is a walk over the words of the given ones, each word followed as it is somewhere in them, with a
character in 200 replaced: rare n-grams are as many as in a real text of that size. Beyond 400 MB its lines come again
in another order. `encode`, `count` and `steps` run commands in a folder of their own beside the text and remove it.
"""

import argparse
import hashlib
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import torch
from machine import describe_machine

from charlm.config import by_section, make_request
from charlm.data.corpus import EncodedCorpus, open_cached
from charlm.notation import parse_size
from charlm.runs.train.settings import with_settings
from charlm.runs.train.setup import TrainingSetup

_LANES = 4096
_WALKED_BYTES = 400_000_000
_TYPOS = 200


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True)
    make = commands.add_parser("make")
    make.add_argument("text", type=Path, nargs="+")
    make.add_argument("--size", type=parse_size, required=True)
    make.add_argument("--to", type=Path, required=True)
    make.set_defaults(run=make_text)
    encode = commands.add_parser("encode")
    encode.add_argument("text", type=Path)
    encode.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    encode.set_defaults(run=measure_encoding)
    count = commands.add_parser("count")
    count.add_argument("text", type=Path)
    count.add_argument("--order", default="6")
    count.add_argument("--memory", default="4GB")
    count.add_argument("--prune", nargs="?")
    count.set_defaults(run=measure_counting)
    steps = commands.add_parser("steps")
    steps.add_argument("text", type=Path, nargs="+")
    steps.add_argument("--repeat", type=int, default=3)
    steps.set_defaults(run=measure_steps)
    arguments = parser.parse_args()
    print(describe_machine())
    arguments.run(arguments)


def make_text(arguments: argparse.Namespace) -> None:
    """Writes a text of about a size."""
    words = re.findall(r"\S+\s*", "".join(path.read_text(encoding="utf-8") for path in arguments.text))
    rng = np.random.default_rng(1)
    written = 0
    lines: list[bytes] = []
    with arguments.to.open("wb") as file:
        for piece in walk(words, rng):
            if written >= min(arguments.size, _WALKED_BYTES):
                break
            written += file.write(piece)
            if arguments.size > _WALKED_BYTES:
                lines += piece.splitlines(keepends=True)
        while written < arguments.size:
            order = rng.permutation(len(lines))
            for part in np.array_split(order, 100):
                if written < arguments.size:
                    written += file.write(b"".join([lines[number] for number in part]))
    print(f"{written:,} bytes in '{arguments.to}'")


def walk(words: list[str], rng: np.random.Generator) -> Iterator[bytes]:
    """Yields a text without end, of words that follow one another as they do in a text."""
    _, numbers = np.unique(np.array(words), return_inverse=True)
    places = np.argsort(numbers, kind="stable")
    counts = np.bincount(numbers)
    first = np.cumsum(counts) - counts
    at = rng.integers(0, len(words) - 1, _LANES)
    while True:
        walked = []
        for _ in range(200):
            following = numbers[(at + 1) % len(words)]
            at = places[first[following] + rng.integers(0, counts[following])]
            walked.append(at)
        text = "".join([words[place] for place in np.array(walked).T.ravel().tolist()]).encode()
        letters = np.frombuffer(text, dtype=np.uint8).copy()
        typos = np.flatnonzero((rng.integers(0, _TYPOS, len(letters)) == 0) & (letters < 128))
        letters[typos] = rng.integers(ord("a"), ord("z") + 1, len(typos))
        yield letters.tobytes()


def measure_encoding(arguments: argparse.Namespace) -> None:
    """Encodes a text with so many processes each, and prints times, memory, and whether the files are the same."""
    digests = set()
    seconds: dict[int, float] = {}
    size = arguments.text.stat().st_size
    for workers in arguments.workers:
        with scratch(arguments.text) as folder:
            command = ["data", "prepare", str(arguments.text.resolve()), "--workers", str(workers), "--quiet"]
            seconds[workers], processor_seconds, memory = run(command, folder)
            files = sorted((folder / "data" / "cache").glob("*/*.bin"))
            digests.add(tuple(hashlib.file_digest(path.open("rb"), "sha256").hexdigest() for path in files))
        speed = size / seconds[workers] / 1e6
        print(
            f"{workers} workers: {size / 1e9:.2f} GB in {seconds[workers]:.1f} s, {speed:.0f} MB/s, "
            f"{processor_seconds:.1f} s of processors, at most {memory / 1e6:.0f} MB of memory in all processes"
        )
    print("the files are the same" if len(digests) == 1 else "THE FILES DIFFER")


def measure_counting(arguments: argparse.Namespace) -> None:
    """Counts a text's n-grams, and prints the time and the memory of that and of the whole command."""
    with scratch(arguments.text) as folder:
        command = ["train", str(arguments.text.resolve()), "--model", "ngram", "--order", arguments.order, "--quiet"]
        command += ["--memory", arguments.memory, "--split", "98/1/1", "--name", "counted"]
        command += [] if arguments.prune is None else ["--prune", arguments.prune]
        seconds, processor_seconds, memory = run(command, folder)
        stored = folder / "checkpoints" / "counted"
        counting = json.loads((stored / "metrics.jsonl").read_text().splitlines()[-1])["seconds"]
        size = (stored / "best.safetensors").stat().st_size
    length = arguments.text.stat().st_size / 1e6
    print(
        f"order {arguments.order}: {length:.0f} MB, counted in {counting:.1f} s; the whole "
        f"command {seconds:.1f} s, {processor_seconds:.1f} s of processors, at most {memory / 1e6:.0f} MB of memory; "
        f"a model of {size / 1e6:.0f} MB"
    )


def measure_steps(arguments: argparse.Namespace) -> None:
    """Takes steps on encoded texts in turns, and prints the medians of their times."""
    batches, times = {}, {}
    with ExitStack() as stack:
        for path in arguments.text:
            folder = stack.enter_context(scratch(path))
            run(["data", "prepare", str(path.resolve()), "--quiet"], folder)
            (key,) = (each.name for each in (folder / "data" / "cache").iterdir())
            corpus = open_cached(folder / "data", key)
            assert corpus is not None
            batches[path] = corpus
            times[path] = []
        for _ in range(arguments.repeat):
            for path, corpus in batches.items():
                times[path] += time_steps(corpus)
    for path, each in times.items():
        median, slow = 1e3 * np.quantile(each, (0.5, 0.99))
        print(f"{path.stat().st_size / 1e6:.0f} MB: {median:.2f} ms a step, the slowest in a hundred {slow:.2f} ms")


def time_steps(corpus: EncodedCorpus, *, steps: int = 200) -> list[float]:
    """Returns the seconds of some steps of a network of 2 x 192 units, each with the reading of its window."""
    threads = torch.get_num_threads()
    config = make_request(by_section({"corpus": ["x"], "steps": 10**6, "learning_rate": 0.03, "dropout": 0.1})).config
    setup = TrainingSetup(corpus.train.tokens, corpus.tokenizer, torch.device("cpu"), "fp32", None, None)
    trainer = setup.build(with_settings(config, threads=threads))
    seconds = []
    for _ in range(steps):
        started = time.perf_counter()
        trainer.take_step()
        seconds.append(time.perf_counter() - started)
    return seconds[steps // 10 :]


def run(command: list[str], folder: Path) -> tuple[float, float, int]:
    """Runs charlm in a folder; returns the seconds, those of its processors, and the most memory that it took."""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    before = _processor_seconds()
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "charlm", *command], cwd=folder, env=environment)
    most = [0]
    watching = threading.Thread(target=_watch, args=(process, most))
    watching.start()
    code = process.wait()
    seconds = time.perf_counter() - started
    watching.join()
    if code:
        raise SystemExit(f"charlm {' '.join(command)} ended with {code}")
    return seconds, _processor_seconds() - before, most[0]


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _watch(process: subprocess.Popen[bytes], most: list[int]) -> None:
    """Notes the most memory of a process and its children, each page shared with the file cache left out."""
    while process.poll() is None:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        try:
            pids = [str(process.pid), *children.read_text().split()]
            most[0] = max(most[0], sum(map(_resident, pids)))
        except OSError:
            pass  # It has just ended.
        time.sleep(0.1)


def _resident(pid: str) -> int:
    found = re.search(r"^VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return 0 if found is None else 1024 * int(found[1])


@contextmanager
def scratch(beside: Path) -> Iterator[Path]:
    """Gives a folder on the disk of a file, which is removed."""
    folder = Path(tempfile.mkdtemp(prefix="large-corpora-", dir=beside.parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
