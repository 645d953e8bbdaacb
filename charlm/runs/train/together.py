"""A run that several processes train: the same for all of them, and its folder made, held and written by the first."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import torch

from charlm.checkpointing.container import read_described
from charlm.checkpointing.locking import locked
from charlm.checkpointing.run_folder import RunFolder
from charlm.config import Request
from charlm.data.corpus import EncodedCorpus
from charlm.distributed.world import World
from charlm.errors import CheckpointError, ConfigError
from charlm.files.writing import remove_leftovers
from charlm.version import __version__

RUN = "run"
"""The name under which the launcher keeps the run's name, from its first checkpoint on."""

_OWN = {"threads", "device", "workers", "memory"}
"""Settings that may differ: they are not part of a result."""
_SAME_COMMAND = "start all with the same command, the same charlm and the same torch."
_SAME_TEXT = "give all the same text."
_SHARED = "let all machines share the folder with checkpoints/."


def require_same_command(world: World, request: Request, *, init_from: str | None) -> None:
    """Checks that all processes were asked for the same.

    Raises:
        ConfigError: several processes were asked for what one does alone.
        DistributedError: one was asked for something else, or is of another version.
    """
    config = request.config
    if world.size > 1 and config.model.model == "ngram":
        raise ConfigError("An n-gram model is counted by one process; start it without torchrun.")
    if world.size > 1 and "-" in (*config.data.corpus, *config.data.valid, *config.data.test):
        raise ConfigError("Several processes cannot read one standard input; write the text into a file.")
    settings = {name: value for _, section in config for name, value in section if name not in _OWN}
    _require_same(world, settings | {"init_from": init_from})


def require_same_resumption(world: World, run: str, overrides: Mapping[str, Any]) -> None:
    """Checks that all processes were asked to go on with the same run, and for the same length.

    Raises:
        DistributedError: one was asked for something else, or is of another version.
    """
    _require_same(world, {"resume": run} | {name: value for name, value in overrides.items() if name not in _OWN})


def require_same_text(world: World, corpus: EncodedCorpus) -> None:
    """Checks that all processes have read the same text; a DistributedError says which has not."""
    facts = {"a text with the SHA-256": corpus.digest[:16], "an encoded text with the key": corpus.key}
    world.require_same(lambda: facts, advice=_SAME_TEXT)


def require_one_state(world: World, path: Path) -> None:
    """Checks that all processes read the same state of the same run; a DistributedError says which does not."""
    world.require_same(lambda: {f"in '{path}'": _described(path)}, advice=_SHARED)


@contextmanager
def first_before_others(world: World) -> Iterator[None]:
    """Lets the first process do what the others then find done."""
    if not world.is_first:
        world.largest(0.0)
    yield
    if world.is_first:
        world.largest(0.0)


@contextmanager
def made_by_first(world: World, make: Callable[[], AbstractContextManager[RunFolder]]) -> Iterator[RunFolder]:
    """Gives the folder that the first process makes, for as long as it holds it.

    Raises:
        DistributedError: another process does not see it.
    """
    with ExitStack() as held:
        path = Path(world.by_first(lambda: str(held.enter_context(make()).path)))
        world.require_same(lambda: {f"in '{path}'": "a folder" if path.is_dir() else "nothing"}, advice=_SHARED)
        yield RunFolder(path).pinned()


@contextmanager
def held_by_first(world: World, folder: Path) -> Iterator[None]:
    """Locks the folder of a run in the first process, and removes what killed processes left there."""
    with ExitStack() as held:

        def hold() -> None:
            held.enter_context(locked(folder))
            remove_leftovers(folder)

        world.by_first(hold)
        yield


def _require_same(world: World, settings: Mapping[str, Any]) -> None:
    options = {
        f"--{name.replace('_', '-')}": "none" if value is None else f"'{value}'" for name, value in settings.items()
    }
    versions = {"charlm": __version__, "torch": torch.__version__}
    world.require_same(lambda: versions | options, advice=_SAME_COMMAND)


def _described(path: Path) -> str:
    try:
        values = read_described(path).values
    except CheckpointError:
        return "no state that can be read"
    provenance = values.get("provenance")
    identity = provenance.get("identity") if isinstance(provenance, dict) else None
    return f"the state of run {identity} after step {values.get('step')}"
