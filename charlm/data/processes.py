"""Work that several processes share, its results in order."""

import math
import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TypeVar

from charlm.errors import DataError

_Task = TypeVar("_Task")
_Result = TypeVar("_Result")

_AHEAD = 2
"""Tasks that wait for each process, so that none is idle and few results wait for their turn."""


def available_cores(cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """Returns how many processors this process may use.

    Args:
        cgroup: the control group of a container, which may be allowed the time of fewer processors than it sees.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, _quota(cgroup) or cores)


def _quota(cgroup: Path) -> int | None:
    """Returns how many processors' time a control group of version 2 or 1 may use, rounded up; None for no limit."""
    for files in (("cpu.max",), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")):
        try:
            quota, period = map(int, " ".join((cgroup / file).read_text() for file in files).split())
        except (OSError, ValueError):
            continue  # There is no such file, or it says "max".
        if quota > 0 and period > 0:
            return math.ceil(quota / period)
    return None


def usual_workers() -> int:
    """Returns one process a core; one alone where a script of the user's runs, which every process would run again."""
    main = sys.modules["__main__"]
    file = getattr(main, "__file__", None)
    is_script = main.__spec__ is None and file is not None and Path(file).stem != "charlm"
    return 1 if is_script else available_cores()


def in_processes(function: Callable[[_Task], _Result], tasks: Iterable[_Task], *, workers: int) -> Iterator[_Result]:
    """Yields the result of each task in order, computed by some processes.

    Args:
        function: of a module, so that the processes, which are started anew, can import it.

    Raises:
        DataError: a process has died.
    """
    context = multiprocessing.get_context("spawn")
    # The other end closes when this process has ended, too, however that was.
    reader, writer = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_begin, initargs=(reader,))
    waiting: deque[Future[_Result]] = deque()
    try:
        for task in tasks:
            waiting.append(pool.submit(function, task))
            if len(waiting) >= _AHEAD * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
        pool.shutdown()
    except BrokenProcessPool:
        raise DataError(
            "A worker process ended before its work was done: it was killed, or memory ran out. What is finished is "
            "kept; run the command again, with fewer --workers if it happens again."
        ) from None
    finally:
        # After an error or Ctrl-C nobody waits for what is begun.
        writer.close()
        pool.shutdown(cancel_futures=True)
        reader.close()


def _begin(reader: Connection) -> None:
    """Makes a process end when nobody has use for it any more, and leave Ctrl-C to the one that started it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(reader,), daemon=True).start()


def _end_with(reader: Connection) -> None:
    """Ends this process once the other end of a pipe is closed."""
    with suppress(EOFError, OSError):
        reader.recv_bytes()
    os._exit(1)
