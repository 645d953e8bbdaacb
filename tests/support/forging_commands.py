"""Every command on forged checkpoints: called in a process of its own, which does a few hundred of them."""

import shutil
import warnings
from itertools import islice
from pathlib import Path
from typing import Any

from charlm.errors import CheckpointError
from charlm.runs.stored.model import read_model_file
from charlm.runs.stored.state import open_state
from tests.support.forged_runs import (
    MODEL_FILE,
    OF_MODELS,
    OF_STATES,
    STATE_FILE,
    all_forgeries,
    make_run,
    read_both,
    write_forged,
)
from tests.support.quick_commands import problem_of, reuse_parser, run_here

RUN = Path("checkpoints/one")


def make(kind: str) -> dict[str, int]:
    """Makes a run of a kind in this folder, and returns how many forgeries each of its checkpoints has."""
    make_run(kind, Path())
    return {file: sum(1 for _ in all_forgeries(file, stored)) for file, stored in read_both(RUN).items()}


def attack(pristine: str, file: str, first: int, stop: int, dear_every: int, refused_every: int) -> dict[str, Any]:
    """Reads some of the forgeries of a checkpoint, and runs the commands on them.

    Args:
        pristine: the folder in which the run was made.
        file: the checkpoint.
        first: the number of the first forgery.
        stop: the number after the last one.
        dear_every: commands that train are run on each so many of the forgeries that reading accepts.
        refused_every: two commands are run on each so many of the forgeries that reading refuses; all others begin
            by the same reading.

    Returns:
        How many were `read` and how many `commands` were run, and the `problems`.
    """
    warnings.simplefilter("ignore")
    reuse_parser()
    stored = read_both(Path(pristine) / RUN)[file]
    commands = OF_MODELS if file == MODEL_FILE else OF_STATES
    tried, problems = 0, []
    _plant_pristine(Path(pristine), file)
    for number, forgery in enumerate(islice(all_forgeries(file, stored), first, stop), start=first):
        turned = commands[number % len(commands) :] + commands[: number % len(commands)]
        write_forged(RUN / file, forgery)
        is_read = _is_read(file)
        if is_read:
            chosen = [each for each in turned if number % dear_every == 0 or not each.startswith("train")]
        else:
            chosen = [] if number % refused_every else turned[:2]
        is_planted = True
        for command in chosen:
            if not is_planted:
                write_forged(RUN / file, forgery)
            told = run_here(command)
            tried += 1
            problem = problem_of(command, told)
            if told.code == 0 and not is_read and not command.startswith(("info", "list")):  # They read records alone.
                problem = "done, although reading refuses it"
            if problem is not None:
                problems.append(f"{forgery.name}: {command}: {problem}")
            is_planted = not command.startswith("train") or not (is_read or told.code == 0)
            if not is_planted:
                _plant_pristine(Path(pristine), file)
    return {"read": stop - first, "commands": tried, "problems": problems}


def _plant_pristine(pristine: Path, file: str) -> None:
    """Makes this folder a copy; where the model is forged, there is no state, which commands would prefer."""
    shutil.rmtree("checkpoints", ignore_errors=True)
    shutil.copytree(pristine, ".", dirs_exist_ok=True)
    if file == MODEL_FILE:
        (RUN / STATE_FILE).unlink(missing_ok=True)


def _is_read(file: str) -> bool:
    try:
        if file == STATE_FILE:
            open_state(RUN / file)
        else:
            read_model_file(RUN / file, name="one")
    except CheckpointError:
        return False
    return True
