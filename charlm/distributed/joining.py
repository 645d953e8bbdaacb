"""Where the processes that a launcher started meet, and how they end: with one sentence of one of them."""

import json
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import final

import torch
import torch.distributed as dist

from charlm.distributed.place import Place, read_place, told_by_first
from charlm.distributed.processes import LostError, Several, error_named
from charlm.distributed.world import ALONE, Alone, World
from charlm.errors import CharlmError, DistributedError

_MEETING = timedelta(seconds=15)
"""Time in which all processes have to come."""
_WAITING = timedelta(hours=2)
"""Time in which the slowest has to do what the others wait for, such as encoding a text; one that ends is noticed."""
_ENDING = timedelta(seconds=3)
"""Time in which the first process has to say why all end."""
_PAUSE = 0.02
"""Seconds between two looks at a store."""


@contextmanager
def joined() -> Iterator[World]:
    """Gives the world of this process, after all processes have met.

    One that fails tells the others why, and only one of them raises an error with words: the first, if it can.

    Raises:
        ConfigError: the launcher's variables contradict one another.
        DistributedError: the processes cannot meet, or one has ended.
    """
    with told_by_first():
        place = read_place()
    if place.size == 1 and not place.is_hosted:
        yield ALONE
        return
    store = _open_store(place)
    memory = _Memory(dist.PrefixStore("charlm", store), attempt=place.attempt)
    if place.size == 1:
        yield Alone(memory=memory)
        return
    meeting = dist.PrefixStore(f"charlm/{place.attempt}", store)
    _meet(place, meeting)
    ending = _Ending(place, meeting)
    try:
        yield Several(place, memory=memory)
    except CharlmError as error:
        raise ending.spoken(error) from None
    finally:
        ending.leave()


def _open_store(place: Place) -> dist.TCPStore:
    assert place.address is not None
    host, port = place.address
    is_master = place.rank == 0 and not place.is_hosted
    opened: list[dist.TCPStore | RuntimeError] = []

    def open_store() -> None:
        try:
            opened.append(
                dist.TCPStore(host, port, place.size, is_master=is_master, timeout=_MEETING, wait_for_workers=False)
            )
        except RuntimeError as error:
            opened.append(error)

    # Beside: torch tries again after its timeout, and waits without end where something else listens.
    opening = threading.Thread(target=open_store, daemon=True)
    opening.start()
    opening.join(_MEETING.total_seconds())
    store = opened[0] if opened else None
    if isinstance(store, dist.TCPStore):
        return store
    if is_master and "EADDRINUSE" in str(store):
        words = f"Port {port} of '{host}' is in use; give another with torchrun --master-port, or MASTER_PORT."
    else:
        words = f"Process 0 cannot be reached at '{host}', port {port}; is it started, and the port open?"
    # The first may be the one that is missing; of further processes that are, it tells itself.
    is_speaking = place.rank <= (0 if place.is_hosted else 1)
    raise DistributedError(words if is_speaking else "")


def _meet(place: Place, store: dist.Store) -> None:
    names = [f"met/{rank}" for rank in range(place.size)]
    try:
        store.set(names[place.rank], "")
        if not _are_there(store, names, within=_MEETING):
            missing = [str(rank) for rank, name in enumerate(names) if not store.check([name])]
            raise DistributedError(
                f"Of {place.size} processes, number {', '.join(missing)} did not come within "
                f"{_MEETING.total_seconds():.0f} s; start all of them, with the same WORLD_SIZE and MASTER_ADDR."
                if place.rank == 0
                else ""
            )
        dist.init_process_group(
            "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo",
            store=dist.PrefixStore("group", store),
            rank=place.rank,
            world_size=place.size,
            timeout=_MEETING,
        )
    except RuntimeError as error:
        words = f"The processes cannot reach one another: {str(error).splitlines()[0]}"
        raise DistributedError(words if place.rank == 0 else "") from None
    # They connect within the shorter time; torch has no public way to give the longer one to what follows.
    dist.distributed_c10d._set_pg_timeout(_WAITING)


def _are_there(store: dist.Store, names: list[str], *, within: timedelta) -> bool:
    """Returns whether a store has all names, after waiting for them; its own way of waiting prints warnings."""
    ends = time.monotonic() + within.total_seconds()
    while not store.check(names):
        if time.monotonic() >= ends:
            return False
        time.sleep(_PAUSE)
    return True


@final
class _Memory:
    """What the launcher's store keeps; in the first attempt it may be of another command of the same launcher."""

    def __init__(self, store: dist.Store, *, attempt: int) -> None:
        self._store = store
        self._attempt = attempt

    def get(self, name: str) -> str | None:
        with suppress(RuntimeError):
            if self._attempt > 0 and self._store.check([name]):
                return self._store.get(name).decode()
        return None

    def set(self, name: str, words: str) -> None:
        with suppress(RuntimeError):
            self._store.set(name, words)


@final
class _Ending:
    """How this process ends; a store that is gone with the process that kept it is no further error."""

    def __init__(self, place: Place, store: dist.Store) -> None:
        self._place = place
        self._store = store
        self._is_first = place.rank == 0
        self._has_left = False
        self._has_waited = False

    def spoken(self, error: CharlmError) -> CharlmError:
        """Returns the error to raise here: with words in one process, without in the others.

        The process whose error it is leaves it where the first finds it.
        """
        _ignore_launcher()
        is_lost = isinstance(error, LostError)
        with suppress(RuntimeError):
            if not self._is_first and not is_lost:
                self._store.set("failure", json.dumps([type(error).__name__, str(error)]))
        self._leave_group()
        with suppress(RuntimeError):
            if self._is_first and is_lost and self._store.check(["failure"]):
                name, words = json.loads(self._store.get("failure"))
                error = error_named(name)(words)
            if self._has_first_ended() or self._store.add("speakers", 1) > 1:
                return type(error)("")
        return error

    def leave(self) -> None:
        """Leaves the others; all wait until the first has, which may still have something to print."""
        _ignore_launcher()
        self._leave_group()
        with suppress(RuntimeError):
            if self._is_first:
                self._store.set("ended", "")
            else:
                self._has_first_ended()
            self._store.set(f"left/{self._place.rank}", "")
            if self._is_first and not self._place.is_hosted:
                # The store ends with this process.
                _are_there(self._store, [f"left/{rank}" for rank in range(self._place.size)], within=_ENDING)

    def _has_first_ended(self) -> bool:
        """Returns whether the first process has ended, after waiting for it once."""
        with suppress(RuntimeError):
            if not self._is_first and not self._has_waited:
                self._has_waited = True
                return _are_there(self._store, ["ended"], within=_ENDING)
        return False

    def _leave_group(self) -> None:
        if not self._has_left:
            self._has_left = True
            with suppress(RuntimeError):
                dist.destroy_process_group()


def _ignore_launcher() -> None:
    """Ignores SIGTERM from now on: when one process has ended, the launcher sends it to those that are about to."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
