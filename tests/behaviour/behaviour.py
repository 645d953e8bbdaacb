"""What charlm does, recorded and compared: the tensors, scores, samples and exit codes of a few dozen commands.

    python tests/behaviour/behaviour.py record     writes expected.json beside this script
    python tests/behaviour/behaviour.py check      compares with it, and names what differs

A change that only moves code leaves all of it as it was. Arithmetic is the one that most machines share: no
vector units beyond the first, one thread. Where a machine computes differently all the same (a probe tells),
tensors and samples are not compared, and scores to three digits.
"""

import contextlib
import hashlib
import io
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from commands import LATER, QUESTIONS, TASK_QUESTIONS, TASKS, TRAININGS  # beside this script

PORTABLE = {
    "ATEN_CPU_CAPABILITY": "default",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_CBWR": "COMPATIBLE",
    "OPENBLAS_CORETYPE": "Haswell",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "COLUMNS": "100",
}
EXPECTED = Path(__file__).with_name("expected.json")
OMITTED = {
    "seconds",
    "characters_per_second",
    "path",
    "run",
    "charlm",
    "torch",
    "folder",
    "config",
    "date",
    "size_bytes",
}


def text(seed: int, *, num_words: int, extra: str = "") -> str:
    """Words of a small made-up language, the same on every machine."""
    words, state = [], seed
    for index in range(num_words):
        state = (1103515245 * state + 12345) % (1 << 31)
        word = "".join("aeiou"[(state >> shift) % 5] + "tnrsl"[(state >> shift + 4) % 5] for shift in (3, 9, 15))
        words.append(word[: 2 + (state >> 20) % 5] + (".\n" if index % 7 == 6 else " "))
    return "".join(words) + extra


def sha256_of_tensors(path: Path) -> str:
    """The hash of every tensor's name, type, shape and bytes, whatever else the file says."""
    import safetensors

    digest = hashlib.sha256()
    for name, entry in sorted(safetensors.deserialize(path.read_bytes())):  # type: ignore[no-untyped-call]
        digest.update(f"{name} {entry['dtype']} {entry['shape']} ".encode() + bytes(entry["data"]))
    return digest.hexdigest()


def probe() -> str:
    """A hash that is the same where a machine computes the same."""
    import numpy as np
    import torch

    generator = torch.Generator().manual_seed(1)
    layer = torch.nn.LSTM(16, 16)
    for parameter in layer.parameters():
        parameter.data.normal_(generator=generator)
    outputs, _ = layer(torch.randn(32, 8, 16, generator=generator))
    outputs.square().sum().backward()
    rng = np.random.default_rng(1)
    product = rng.normal(size=(64, 64)).astype(np.float32) @ rng.normal(size=(64, 64)).astype(np.float32)
    digest = hashlib.sha256(np.tanh(product).tobytes() + np.exp(-np.abs(product)).tobytes())
    for array in (outputs.detach(), *(parameter.grad for parameter in layer.parameters())):
        assert array is not None
        digest.update(array.numpy().tobytes())
    return digest.hexdigest()


def comparable(value: Any) -> Any:
    """A JSON value without what differs from run to run: times, paths, versions."""
    if isinstance(value, dict):
        return {key: comparable(each) for key, each in value.items() if key not in OMITTED}
    return [comparable(each) for each in value] if isinstance(value, list) else value


def invoke(command: str) -> tuple[int, str]:
    """The exit code of a command, and what it prints on standard output."""
    from charlm.cli.app import run

    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
        code = run(command.split())
    return code, printed.getvalue()


def observe(command: str) -> dict[str, Any]:
    """What a command came to."""
    code, printed = invoke(command)
    if "--json" in command and printed and not command.startswith(("predict", "eval accuracy")):
        return {"exit": code, "json": comparable(json.loads(printed))}
    if "-o " in command:
        printed = Path(command.split()[-1]).read_text(encoding="utf-8")
    if command.startswith(("export", "data show", "train text.txt --dry-run", "predict", "eval accuracy")):
        return {"exit": code, "sha256": hashlib.sha256(printed.encode()).hexdigest()}
    return {"exit": code}


def tensors_of(folder: Path) -> dict[str, str]:
    """The hash of each checkpoint in a folder, however deep."""
    return {str(path.relative_to(folder)): sha256_of_tensors(path) for path in sorted(folder.glob("**/*.safetensors"))}


def observations() -> Iterator[tuple[str, dict[str, Any]]]:
    """Runs every command in an empty folder, and yields what each came to."""
    Path("text.txt").write_text(text(1, num_words=700), encoding="utf-8")
    Path("other.txt").write_text(text(2, num_words=200, extra="Ünd nöch etwas Neues: 数字.\n" * 9), encoding="utf-8")
    for name, command in TRAININGS.items():
        yield f"train {name}", observe(f"{command} --name {name} --json --quiet")
        yield f"score {name}", observe(f"eval perplexity {name} {'' if name != 'unsplit' else 'other.txt'} --json")
        yield f"sample {name}", observe(f"sample {name} --seed 1 --length 60 --json")
    yield "tensors", tensors_of(Path("checkpoints"))
    for name, command in LATER.items():
        yield name, observe(command if "--json" in command else f"{command} --json --quiet")
    yield "later tensors", tensors_of(Path("checkpoints"))
    for name, command in QUESTIONS.items():
        yield name, observe(command)
    write_examples(text(3, num_words=300).replace(".", "").split())
    for name, command in TASKS.items():
        yield f"train {name}", observe(f"{command} --name {name} --json --quiet")
        yield f"accuracy {name}", observe(f"eval accuracy {name} --json")
        yield f"predict {name}", observe(f"predict {name} words.txt")
    for name, command in TASK_QUESTIONS.items():
        yield name, observe(command)
    yield "tensors of tasks", {name: tensors_of(Path("checkpoints", name)) for name in TASKS}


def write_examples(words: list[str]) -> None:
    """Writes words with a label, with tags, and with their letters in reverse."""
    labels = ["vowel" if word[-1] in "aeiou" else "other" for word in words]
    pairs = list(zip(words, labels, strict=True))
    Path("labels.tsv").write_text("".join(f"{word}\t{label}\n" for word, label in pairs), encoding="utf-8")
    Path("labels.ft").write_text("".join(f"__label__{label} {word}\n" for word, label in pairs), encoding="utf-8")
    rows = (f"{word} _ B-{label}\n" + "\n" * (number % 5 == 4) for number, (word, label) in enumerate(pairs))
    Path("tags.txt").write_text("".join(rows), encoding="utf-8")
    Path("answers.tsv").write_text("".join(f"{word}\t{' '.join(word[::-1])}\n" for word in words), encoding="utf-8")
    Path("words.txt").write_text("".join(f"{word}\n" for word in words[:40]), encoding="utf-8")


def observe_all() -> dict[str, Any]:
    """All that is observed, with the probe of this machine."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            return {"probe": probe(), **dict(observations())}
        finally:
            os.chdir(before)


def differences(expected: Any, found: Any, place: str, *, exact: bool) -> Iterator[str]:
    """Yields a line for everything that differs; inexactly, texts do not count and numbers to three digits."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in expected.keys() | found.keys():
            yield from differences(expected.get(key), found.get(key), f"{place}/{key}", exact=exact)
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for index, (one, other) in enumerate(zip(expected, found, strict=True)):
            yield from differences(one, other, f"{place}/{index}", exact=exact)
    elif exact or not (isinstance(expected, str) and isinstance(found, str)):
        numbers = isinstance(expected, float) and isinstance(found, float | int)
        if expected != found and not (numbers and not exact and abs(expected - found) <= 2e-3 * max(1, abs(expected))):
            yield f"{place}: {expected!r} is now {found!r}"


def main(argv: list[str]) -> int:
    """Records or checks; returns an exit code."""
    if argv not in (["record"], ["check"]):
        sys.stderr.write(f"{__doc__}\n")
        return 2
    if any(os.environ.get(name) != value for name, value in PORTABLE.items()):
        # The libraries read these when they are loaded.
        os.execve(sys.executable, [sys.executable, __file__, *argv], os.environ | PORTABLE)
    found = json.loads(json.dumps(observe_all()))
    if argv == ["record"]:
        EXPECTED.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        return 0
    expected = json.loads(EXPECTED.read_text(encoding="utf-8"))
    exact = expected["probe"] == found["probe"]
    expected["probe"] = found["probe"]
    lines = list(differences(expected, found, "", exact=exact))
    bits = "to the bit" if exact else "to three digits: this machine computes differently"
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.write(f"{len(found)} observations compared {bits}; {len(lines)} differences\n")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
