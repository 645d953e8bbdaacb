"""Ctrl-C and SIGTERM: the first asks a training to finish its step and save, the second stops at once."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

from charlm.runs.reporting import StopRequest

STOPPING = "Finishing the step and saving… (again to stop at once)"


class Terminated(KeyboardInterrupt):
    """SIGTERM asked to stop."""


class Interrupts:
    """What was asked for by a signal."""

    def __init__(self, stop: StopRequest, announce: Callable[[], None]) -> None:
        """Sets `stop`, and calls `announce` then; it runs inside a signal handler and must not block."""
        self._stop = stop
        self._announce = announce
        self.exit_code = 128 + signal.SIGINT

    def receive(self, number: int, _: FrameType | None) -> None:
        """Handles a signal.

        Raises:
            KeyboardInterrupt: there is no safe point to wait for, or it was asked before.
        """
        self.exit_code = 128 + number
        if self._stop.graceful and not self._stop.requested:
            self._stop.requested = True
            self._announce()
        else:
            raise Terminated if number == signal.SIGTERM else KeyboardInterrupt


@contextlib.contextmanager
def interruptible(stop: StopRequest | None = None, announce: Callable[[], None] = lambda: None) -> Iterator[Interrupts]:
    """Handles signals while work is done, and puts the handlers back that were there.

    Args:
        stop: what the work looks at; without it every signal stops at once.
        announce: says that the first signal was understood.
    """
    interrupts = Interrupts(stop or StopRequest(), announce)
    if threading.current_thread() is not threading.main_thread():
        # Only the main thread may set handlers; elsewhere whoever runs it handles its signals.
        yield interrupts
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, interrupts.receive) for number in numbers}
    try:
        yield interrupts
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
