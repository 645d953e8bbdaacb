"""What must hold of the files that a power cut left: checked in a process of its own, hundreds of cuts at a time."""

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from charlm.checkpointing.metrics import read_metrics
from charlm.data.corpus import open_cached
from charlm.runs.stored.state import open_state
from charlm.runs.stored.workspace import Workspace
from charlm.runs.verify import verify_run
from tests.support.power_cuts import RecordedDisk, put

KEPT = (0.0, 1.0, 0.5, 0.2, 0.8)
"""How likely it is that something that was not synced is there, from one draw to the next."""
_RUN = "checkpoints/one"


def disk_of(log: str, root: str, before: dict[str, str]) -> RecordedDisk:
    """Returns the record of what was done in a folder, from files whose content at first is given in latin-1."""
    contents = {path: content.encode("latin-1") for path, content in before.items()}
    return RecordedDisk(Path(log), Path(root), contents)


def num_operations(**record: Any) -> int:
    """Returns how many operations there are."""
    return disk_of(**record).num_operations


def difference_at_end(root: str, **record: Any) -> list[str]:
    """Returns which files are not what the record says they are at the end; locks are left out."""
    expected = disk_of(root=root, **record).at_end()
    paths = (path for path in Path(root).rglob("*") if path.is_file() and path.suffix != ".lock")
    found = {str(path.relative_to(root)): path.read_bytes() for path in paths}
    return [path for path in {**expected, **found} if expected.get(path) != found.get(path) and path[-5:] != ".lock"]


def make(record: dict[str, Any], at: int, draw: int, seed: str) -> None:
    """Makes this folder what a cut may have left."""
    put(_after_cut(disk_of(**record), at, draw, seed), Path())


def check(record: dict[str, Any], first: int, stop: int, draws: int, seed: str, checker: str) -> dict[str, Any]:
    """Returns how many different states were `read` after cuts after some operations, and the `problems`."""
    disk = disk_of(**record)
    problems = []
    seen = set()
    for at in range(first, stop):
        for draw in range(draws):
            files = _after_cut(disk, at, draw, seed)
            facts = (at, frozenset(files.items()))
            if facts in seen:
                continue
            seen.add(facts)
            found = [
                f"{path} is not one of those reported"
                for path in disk.versions
                if files.get(path) not in disk.allowed(path, at)
            ]
            shutil.rmtree("state", ignore_errors=True)
            put(files, Path("state"))
            try:
                found += CHECKERS[checker](disk, Path("state"), at)
            except Exception as error:
                found.append(f"{type(error).__name__}: {error}")
            problems += [f"cut after operation {at}, draw {draw}: {each}" for each in found]
    return {"read": len(seen), "problems": problems}


def _after_cut(disk: RecordedDisk, at: int, draw: int, seed: str) -> dict[str, bytes | None]:
    return disk.after_cut(at, random.Random(f"{seed}/{at}/{draw}"), kept=KEPT[draw % len(KEPT)])


def _check_training(disk: RecordedDisk, place: Path, at: int) -> list[str]:
    problems = []
    for meta in place.glob("data/cache/*/meta.json"):
        open_cached(place / "data", meta.parent.name)
    run = place / _RUN
    if not (run / "last.safetensors").exists():
        # Nothing was reported yet; what is there is taken over by the next training of this name.
        left = [path.name for path in run.glob("*.safetensors")]
        return [f"there is no last state, but {left}"] if left else []
    state = open_state(run / "last.safetensors")
    written = disk.content_at(f"{_RUN}/metrics.jsonl", at)
    lines = [json.loads(line) for line in written.splitlines() if line.endswith(b"}")]
    found = list(read_metrics(run / "metrics.jsonl"))
    missing = [line["step"] for line in lines if line["step"] <= state.record.step and line not in found]
    if missing:
        problems.append(f"the state is of step {state.record.step}, but the metrics of {missing} are lost")
    is_torn = not written.startswith((run / "metrics.jsonl").read_bytes()) if found else True
    for report in verify_run("one", Workspace(place)).files:
        if report.problem is not None and not (is_torn and report.file == "metrics.jsonl"):
            problems.append(report.problem)
    return problems


def _check_nothing_more(disk: RecordedDisk, place: Path, at: int) -> list[str]:
    return []


CHECKERS: dict[str, Callable[[RecordedDisk, Path, int], list[str]]] = {
    "training": _check_training,
    "nothing more": _check_nothing_more,
}
