"""Trains and measures models of every task as a user would, over several seeds, and prints what came of it.

    python benchmarks/tasks.py classify generate few --file surnames.tsv --repeat 3
    python benchmarks/tasks.py tokens forward --repeat 3
    python benchmarks/tasks.py phones plain --file cmudict.tsv --budget 3m --repeat 3

Each training is a whole `charlm train` with every default but the ones named here; scores are those of `charlm eval
accuracy` on the test part. The last line of each part has the medians.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from machine import describe_machine

from charlm.data.examples.example import Example
from charlm.data.hashing import hashed
from charlm.evaluation.naive_bayes import NaiveBayes

_FEW = 250
_NAMES_OF_EACH = 30


@dataclass(frozen=True)
class Trial:
    """One training in a folder of its own.

    Attributes:
        file: what is trained on: a file, or a built-in text.
        budget: the time of the whole command; None for the part's own.
    """

    folder: Path
    file: str
    seed: int
    budget: str | None

    def train(self, *arguments: str, budget: str, name: str = "run", file: str | None = None) -> None:
        """Trains a run."""
        chosen = self.budget or budget
        self.charlm(
            "train", file or self.file, "--name", name, "--seed", str(self.seed), "--budget", chosen, *arguments
        )

    def accuracy(self, *arguments: str, name: str = "run") -> dict[str, float]:
        """Returns the measures of `charlm eval accuracy` that are numbers."""
        found = json.loads(self.charlm("eval", "accuracy", name, *arguments, "--json", "--quiet"))
        found |= {f"{row['label']} f1": row["f1"] for row in found["labels"] if row["label"] == "keyword"}
        for simple, measures in found["baselines"].items():
            found |= {f"{simple}: {name}": value for name, value in measures.items()}
        return {name: value for name, value in found.items() if isinstance(value, float)}

    def charlm(self, *arguments: str) -> str:
        """Returns what a command printed; ends the program if it failed."""
        command = [sys.executable, "-m", "charlm", *arguments]
        finished = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        if finished.returncode:
            sys.exit(finished.stderr)
        return finished.stdout

    def rows(self) -> list[tuple[str, str]]:
        """Returns the different rows of the file."""
        lines = Path(self.file).read_text(encoding="utf-8").splitlines()
        return list(dict.fromkeys((left, right) for left, _, right in (line.partition("\t") for line in lines)))


def classified(trial: Trial) -> dict[str, float]:
    """A label for a name."""
    trial.train("--task", "classify", budget="60s")
    return trial.accuracy()


def conditioned(trial: Trial) -> dict[str, float]:
    """Names on a condition: how often Bayes' rule finds it, and how often naive Bayes does in names drawn at 0.7."""
    trial.train("--task", "generate", "--swap", budget="60s")
    # The rows that the run learnt from: the first nine tenths by their hash.
    rows = [Example(name, label) for name, label in trial.rows() if hashed(name) < 0.9]
    judge = NaiveBayes(rows)
    drawn, right = 0, 0
    for label in judge.labels:
        names = trial.charlm(
            "sample", "run", "--condition", label, "--num-samples", str(_NAMES_OF_EACH), "--temperature", "0.7"
        ).splitlines()
        drawn += len(names)
        right += sum(found == label for found in judge.predict(names))
    return trial.accuracy() | {"found at 0.7": right / drawn}


def few_labels(trial: Trial) -> dict[str, float]:
    """A label for a name from 250 labelled ones: from scratch, and from a model of the names without labels."""
    rows = [row for row in trial.rows() if hashed(row[0]) < 0.9]
    test = [row for row in trial.rows() if hashed(row[0]) >= 0.9]
    chosen = np.random.default_rng(trial.seed).choice(len(rows), _FEW, replace=False)
    _write(trial.folder / "few.tsv", ["\t".join(rows[index]) for index in chosen])
    _write(trial.folder / "test.tsv", ["\t".join(row) for row in test])
    _write(trial.folder / "names.txt", [name for name, _ in rows])
    trial.train("--records", "lines", budget="60s", name="names", file="names.txt")
    found = {}
    for name, more in (("scratch", ()), ("from names", ("--init-from", "names"))):
        run = name.replace(" ", "-")
        trial.train("--task", "classify", "--split", "80/20/0", *more, budget="60s", name=run, file="few.tsv")
        found[name] = trial.accuracy("test.tsv", name=run)["accuracy"]
    return found | {"gained": found["from names"] - found["scratch"]}


def tokens(trial: Trial) -> dict[str, float]:
    """Each character of code with its token's class."""
    trial.train("--task", "tag", budget="90s", file="builtin:python-tokens")
    return trial.accuracy()


def tokens_forward(trial: Trial) -> dict[str, float]:
    """The same, reading forward alone."""
    trial.train("--task", "tag", "--direction", "forward", budget="90s", file="builtin:python-tokens")
    return trial.accuracy()


def phones(trial: Trial) -> dict[str, float]:
    """The phones of a word."""
    trial.train("--task", "transduce", "--target-symbols", "spaces", budget="3m")
    return trial.accuracy()


def phones_plain(trial: Trial) -> dict[str, float]:
    """The same, without attention: an encoder that reads forward, whose last state is all that passes."""
    trial.train("--task", "transduce", "--target-symbols", "spaces", "--attention", "none", budget="3m")
    return trial.accuracy()


def phones_plain_both(trial: Trial) -> dict[str, float]:
    """The same, with an encoder that reads in both directions."""
    settings = ["--attention", "none", "--direction", "both"]
    trial.train("--task", "transduce", "--target-symbols", "spaces", *settings, budget="3m")
    return trial.accuracy()


def sums(trial: Trial) -> dict[str, float]:
    """The result of a sum."""
    trial.train("--task", "transduce", budget="3m", file="builtin:sums")
    return trial.accuracy()


PARTS: Mapping[str, Callable[[Trial], dict[str, float]]] = {
    "classify": classified,
    "generate": conditioned,
    "few": few_labels,
    "tokens": tokens,
    "forward": tokens_forward,
    "phones": phones,
    "plain": phones_plain,
    "plain-both": phones_plain_both,
    "sums": sums,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="+", choices=PARTS)
    parser.add_argument("--file", type=Path, default=Path(), help="surnames or a lexicon, TEXT<TAB>LABEL")
    parser.add_argument("--budget", help="instead of the part's own")
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--first-seed", type=int, default=1)
    arguments = parser.parse_args()
    print(describe_machine())
    for part in arguments.parts:
        found: list[dict[str, float]] = []
        for seed in range(arguments.first_seed, arguments.first_seed + arguments.repeat):
            with tempfile.TemporaryDirectory() as folder:
                started = time.perf_counter()
                trial = Trial(Path(folder), str(arguments.file.resolve()), seed, arguments.budget)
                found.append(PARTS[part](trial))
                _print(f"{part}, seed {seed}", found[-1] | {"seconds": time.perf_counter() - started})
        names = set.intersection(*map(set, found))
        _print(f"{part}, median", {name: statistics.median(each[name] for each in found) for name in sorted(names)})


def _print(label: str, figures: Mapping[str, float]) -> None:
    print(f"{label}: " + ", ".join(f"{name} {figure:.4g}" for name, figure in figures.items()), flush=True)


def _write(path: Path, lines: list[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


if __name__ == "__main__":
    main()
