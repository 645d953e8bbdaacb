"""Holds a run's scores against compressors, which adapt, on the same text after the same training text.

    python benchmarks/judges.py tinyshakespeare.txt fortunes.txt --budget 75s

Trains with every default on each text in a folder of its own, and prints nats per character of the test part: static,
adapted, of PPMd, xz, bzip2 and zstd as `charlm eval perplexity --compressors` has them, and of zpaq -m5 where that
program is there.
"""

import argparse
import json
import math
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from machine import describe_machine

from charlm.runs.device import resolve_device
from charlm.runs.reporting import SilentReporter
from charlm.runs.stored.corpus import reopen_corpus
from charlm.runs.stored.loading import load_model
from charlm.runs.stored.workspace import Workspace


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("texts", nargs="+", help="texts, or names of corpora")
    parser.add_argument("--budget", default="75s")
    parser.add_argument("--methods", nargs="+", default=("counts",))
    arguments, more = parser.parse_known_args()
    print(describe_machine())
    for text in arguments.texts:
        path = Path(text)
        with tempfile.TemporaryDirectory() as folder:
            name = str(path.resolve()) if path.exists() else text
            _charlm(folder, "train", name, "--name", "run", "--budget", arguments.budget, *more)
            scores = _scores(folder, arguments.methods)
            scores |= _zpaq(Path(folder))
        print(f"{path.name}: " + ", ".join(f"{name} {nats:.4f}" for name, nats in scores.items()), flush=True)


def _charlm(folder: str, *arguments: str) -> Any:
    command = [sys.executable, "-m", "charlm", *arguments, "--json", "--quiet"]
    finished = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if finished.returncode:
        sys.exit(finished.stderr)
    return json.loads(finished.stdout)


def _scores(folder: str, methods: Sequence[str]) -> dict[str, float]:
    """Returns nats per character by what scored the test part."""
    scores = {}
    for method in methods:
        found = _charlm(folder, "eval", "perplexity", "run", "--compressors", "--adapt", method)
        judged = {"static": found, method: found["adapted"]} | found["compressors"]
        scores |= {name: score["nats_per_symbol"] for name, score in judged.items()}
    return scores


def _zpaq(folder: Path) -> dict[str, float]:
    """Returns what zpaq -m5 gains by having read the training text.

    Its tables are as large as a file asks for, by powers of two, so zeros in front make both files one size class.
    """
    if shutil.which("zpaq") is None:
        return {}
    workspace = Workspace(folder)
    loaded = load_model("run", workspace, device=resolve_device("cpu"))
    corpus = reopen_corpus(loaded.record, workspace, SilentReporter())
    pieces = loaded.tokenizer.pieces
    parts = [
        b"".join(pieces[token] for token in part.tokens.read(0, len(part.tokens)).tolist())
        for part in (corpus.train, corpus.test)
    ]
    num_zeros = 0
    total = len(parts[0]) + len(parts[1])
    if (len(parts[0]) + 4095).bit_length() != (total + 4095).bit_length():
        num_zeros = (1 << (total + 4095).bit_length() - 1) - len(parts[0])
    sizes = []
    for end in (parts[0], parts[0] + parts[1]):
        (folder / "text").write_bytes(bytes(num_zeros) + end)
        (folder / "text.zpaq").unlink(missing_ok=True)
        subprocess.run(["zpaq", "add", "text.zpaq", "text", "-m5", "-t1"], cwd=folder, capture_output=True, check=True)
        sizes.append((folder / "text.zpaq").stat().st_size)
    return {"zpaq": 8 * (sizes[1] - sizes[0]) * math.log(2) / (corpus.test.num_characters - 1)}


if __name__ == "__main__":
    main()
