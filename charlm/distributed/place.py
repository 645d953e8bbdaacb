"""The place of this process among those that a launcher such as torchrun started, read from the environment."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import final

from charlm.errors import CharlmError, ConfigError

_LAUNCHER = "start charlm with torchrun, or unset WORLD_SIZE"


@final
@dataclass(frozen=True)
class Place:
    """Which of how many processes this one is.

    Attributes:
        rank: its number, from 0.
        size: number of processes.
        local_rank: its number on this machine.
        address: host and port where the processes meet; None where there is no launcher.
        is_hosted: whether the launcher keeps the store at that address, also while processes are started again.
        attempt: how often the launcher has started the processes again.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    address: tuple[str, int] | None = None
    is_hosted: bool = False
    attempt: int = 0


def read_place() -> Place:
    """Returns the place of this process; without a launcher it is the first of one.

    Raises:
        ConfigError: the variables of the environment contradict one another.
    """
    size = _number("WORLD_SIZE", 1)
    if size < 1:
        raise ConfigError(f"WORLD_SIZE is {size}; {_LAUNCHER}.")
    missing = [name for name in ("RANK", "MASTER_ADDR", "MASTER_PORT") if not os.environ.get(name)]
    if size > 1 and missing:
        raise ConfigError(f"WORLD_SIZE is {size}, but there is no {' and no '.join(missing)}; {_LAUNCHER}.")
    rank = _number("RANK", 0) if size > 1 else 0
    if not 0 <= rank < size:
        raise ConfigError(f"RANK is {rank}, but WORLD_SIZE is {size}; {_LAUNCHER}.")
    port = _number("MASTER_PORT", 1)
    if not 0 < port < 1 << 16:
        raise ConfigError(f"MASTER_PORT is {port}, and ports are 1 to 65535; {_LAUNCHER}.")
    host = os.environ.get("MASTER_ADDR")
    return Place(
        rank=rank,
        size=size,
        local_rank=_number("LOCAL_RANK", 0),
        address=(host, port) if host else None,
        is_hosted=os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True",
        attempt=_number("TORCHELASTIC_RESTART_COUNT", 0),
    )


def is_first() -> bool:
    """Returns whether this process says what all have to say; one whose own number is missing or wrong speaks, too."""
    rank, size = os.environ.get("RANK", ""), os.environ.get("WORLD_SIZE", "1")
    has_number = rank.isdecimal() and not (size.isdecimal() and int(rank) >= int(size))
    return size == "1" or not has_number or int(rank) == 0


@contextmanager
def told_by_first() -> Iterator[None]:
    """Takes the words from an error in the block, which all processes have alike, in all but the first."""
    try:
        yield
    except CharlmError as error:
        if is_first():
            raise
        raise type(error)("") from None


def require_one_process(name: str) -> None:
    """Refuses what works in one process where a launcher has started several.

    Args:
        name: as in 'charlm list'.

    Raises:
        ConfigError: it has.
    """
    size = read_place().size
    if size > 1:
        raise ConfigError(f"'{name}' works in one process, and {size} were started; start it without torchrun.")


def _number(name: str, default: int) -> int:
    text = os.environ.get(name, "")
    try:
        return int(text) if text else default
    except ValueError:
        raise ConfigError(f"{name} is '{text}', which is no whole number; {_LAUNCHER}.") from None
