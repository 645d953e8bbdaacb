"""The folder of a new run: its name, made and claimed so that no other process takes it and nothing stored is lost."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from shlex import quote

from charlm.checkpointing.locking import LOCK_FILE, InUseError, locked
from charlm.checkpointing.run_folder import RunFolder
from charlm.errors import CheckpointError
from charlm.files.writing import TEMPORARY_PREFIX, make_folder, remove_leftovers


def require_free(checkpoints: Path, name: str | None) -> None:
    """Raises a CheckpointError if the name of a new run is taken."""
    if name is not None and (checkpoints / name).exists() and not _is_abandoned(checkpoints / name):
        raise CheckpointError(
            f"Run '{name}' exists already in '{checkpoints / name}'; choose another --name, "
            f"or go on with it: charlm train --resume {quote(name)}"
        )


@contextmanager
def created_run(checkpoints: Path, *, name: str | None, default_name: str) -> Iterator[RunFolder]:
    """Gives the folder of a new run, locked; it is removed if the block fails before it holds a checkpoint.

    Without a `name` the run is named `default_name`, numbered from 2 if that is taken. What a process that
    was killed before its first checkpoint left behind is taken over.

    Raises:
        CheckpointError: the name is taken, or the folder cannot be made.
    """
    with ExitStack() as opened:
        folder = RunFolder(_claim(checkpoints, name=name, default_name=default_name, opened=opened)).pinned()
        try:
            yield folder
        except BaseException:
            folder.discard_beginning()
            raise


def _claim(checkpoints: Path, *, name: str | None, default_name: str, opened: ExitStack) -> Path:
    number = 1
    while True:
        path = checkpoints / (name or (default_name if number == 1 else f"{default_name}-{number}"))
        number += 1
        try:
            make_folder(path)
        except FileExistsError:
            require_free(checkpoints, name)
            if not _is_abandoned(path):
                continue
        except OSError as error:
            raise CheckpointError(f"Cannot make '{path}': {error.strerror or error}.") from error
        try:
            opened.enter_context(locked(path))
        except InUseError:
            if name is not None:
                raise
            continue
        if not _is_abandoned(path):
            # Another process made this run before the folder was locked.
            require_free(checkpoints, name)
            opened.close()
            continue
        remove_leftovers(path)
        for file in _FIRST_FILES:
            (path / file).unlink(missing_ok=True)
        return path


_FIRST_FILES = ("config.toml", "tokenizer.json", "metrics.jsonl")
"""The files that a new run writes before its first checkpoint; with a checkpoint the folder is a run."""


def _is_abandoned(path: Path) -> bool:
    """Returns whether a folder holds only the first files of a run that was killed."""
    if path.is_symlink() or not path.is_dir():
        return False
    return all(
        each.name in (LOCK_FILE, *_FIRST_FILES) or each.name.startswith(TEMPORARY_PREFIX) for each in path.iterdir()
    )
