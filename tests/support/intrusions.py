"""What happens to a training from outside, at one of its events: readers come by, or its files are meddled with."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.quick_commands import problem_of, reuse_parser, run_here

RUN = Path("checkpoints/one")
OTHER = Path("checkpoints/other")
"""Another run, which takes the place of the first in some accidents."""
READS = Path("reads")
READERS = (
    # the command, and the file of the run from which on it must succeed
    ("list --json", "last.safetensors"),
    ("info one --json", "last.safetensors"),
    ("verify one --json", "last.safetensors"),
    ("sample one --length 5 --seed 1", "best.safetensors"),
    ("eval perplexity one --quiet", "best.safetensors"),
)


def read(number: int, every: int) -> None:
    """Runs every reader in a process of its own, at one event in `every`, and notes a line on them."""
    if number % every:
        return
    process = os.fork()
    if process == 0:
        reuse_parser()
        problems = [problem for _, problem in _read_once() if problem is not None]
        with READS.open("a") as notes:
            notes.write(json.dumps({"event": number, "commands": len(READERS), "problems": problems}) + "\n")
        os._exit(0)
    _, status = os.waitpid(process, 0)
    assert status == 0, f"the readers ended with {status}"


def read_until(done: str) -> dict[str, Any]:
    """Runs every reader again and again until a file is there; returns the number of `commands`, and the `problems`."""
    reuse_parser()
    commands, problems = 0, []
    while not Path(done).exists():
        found = _read_once()
        commands += len(found)
        problems += [problem for _, problem in found if problem is not None]
    return {"commands": commands, "problems": problems}


def _read_once() -> list[tuple[str, str | None]]:
    found = []
    for command, needed in READERS:
        must_succeed = (RUN / needed).exists()
        told = run_here(command)
        problem = problem_of(command, told)
        if problem is None and told.code and must_succeed:
            problem = f"code {told.code}: {told.text}"
        found.append((command, None if problem is None else f"{command}: {problem}"))
    return found


def meddle(number: int, at: int, accident: str) -> None:
    """Lets an accident happen at an event."""
    if number == at:
        ACCIDENTS[accident]()


def _newest_state() -> Path:
    return max(RUN.glob("step-*.safetensors"), default=RUN / "step-0.safetensors")


def _remove(path: Callable[[], Path]) -> Callable[[], None]:
    return lambda: path().unlink(missing_ok=True)


def _replace(path: Callable[[], Path], content: bytes) -> Callable[[], None]:
    def replace() -> None:
        if path().is_file():
            beside = Path("beside")
            beside.write_bytes(content)
            beside.replace(path())

    return replace


def _cut(path: Callable[[], Path]) -> Callable[[], None]:
    def cut() -> None:
        if path().is_file():
            os.truncate(path(), path().stat().st_size // 2)

    return cut


def _use_others(name: str) -> Callable[[], None]:
    def use() -> None:
        if (RUN / name).is_file():
            shutil.copy(OTHER / name, RUN / name)

    return use


def _remove_folder() -> None:
    shutil.rmtree(RUN, ignore_errors=True)


def _move() -> None:
    if RUN.is_dir():
        RUN.rename("moved")


def _move_and_make_empty() -> None:
    _move()
    RUN.mkdir(parents=True, exist_ok=True)


def _move_and_use_name() -> None:
    _move()
    shutil.copytree(OTHER, RUN, dirs_exist_ok=True)


def _move_and_link() -> None:
    if RUN.is_dir():
        _move()
        RUN.symlink_to(Path("moved").absolute())


_FILES: dict[str, Callable[[], Path]] = {
    **{name: lambda name=name: RUN / name for name in ("best.safetensors", "last.safetensors", "config.toml")},
    **{name: lambda name=name: RUN / name for name in ("tokenizer.json", "metrics.jsonl")},
    "an older state": _newest_state,
}
ACCIDENTS: dict[str, Callable[[], None]] = {
    **{f"{name} removed": _remove(path) for name, path in _FILES.items()},
    **{f"{name} replaced": _replace(path, b"something else") for name, path in _FILES.items()},
    **{f"{name} cut": _cut(path) for name, path in _FILES.items()},
    **{f"{name} of another run": _use_others(name) for name in ("best.safetensors", "last.safetensors")},
    "its folder removed": _remove_folder,
    "its folder moved": _move,
    "its folder moved, an empty one in its place": _move_and_make_empty,
    "its folder moved, its name used again": _move_and_use_name,
    "its folder moved, a link in its place": _move_and_link,
    "all runs removed": lambda: shutil.rmtree("checkpoints", ignore_errors=True),
    "its text removed": _remove(lambda: Path("tale.txt")),
    "its encoded text removed": lambda: shutil.rmtree("data", ignore_errors=True),
}
OF_FOLDERS = tuple(name for name in ACCIDENTS if name.startswith(("its folder", "all runs")))
