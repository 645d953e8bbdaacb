"""The same machine, seed and versions: the same bytes, whatever surrounds the process."""

import json
import os
import subprocess
import sys

from charlm.checkpointing.container import read_container

SETTINGS = (
    *("--steps", "20", "--evaluations", "4", "--hidden-size", "8", "--batch-size", "4", "--dropout", "0.1"),
    *("--mix", "ngram:3", "--device", "cpu", "--precision", "fp32", "--threads", "1", "--name", "one"),
)
SURROUNDINGS = (
    {"PYTHONHASHSEED": "1", "TERM": "dumb", "LANG": "C", "TZ": "UTC", "OMP_NUM_THREADS": "1"},
    {"PYTHONHASHSEED": "2", "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "TZ": "Asia/Tokyo", "COLUMNS": "40"},
)


def run(folder, environment, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "charlm", *arguments],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        check=True,
    ).stdout


def content(path):
    """Everything in a checkpoint but the identity, which is drawn anew for each run."""
    container = read_container(path)
    container.values["provenance"].pop("identity")
    return container.values, {name: bytes(tensor.data) for name, tensor in container.tensors.items()}


def test_the_same_bytes_whatever_the_surroundings(tmp_path, text):
    found = []
    for number, environment in enumerate(SURROUNDINGS):
        folder = tmp_path / f"folder {number}" / "é"
        folder.mkdir(parents=True)
        (folder / "tale.txt").write_bytes(text.read_bytes())
        run(folder, environment, "train", "tale.txt", *SETTINGS)
        place = folder / "checkpoints" / "one"
        lines = [json.loads(line) | {"seconds": 0} for line in (place / "metrics.jsonl").read_text().splitlines()]
        sample = run(folder, environment, "sample", "one", "--seed", "7", "--length", "200")
        files = [(place / name).read_bytes() for name in ("tokenizer.json", "config.toml")]
        found.append((content(place / "best.safetensors"), files, lines, sample))
    assert found[0] == found[1]
