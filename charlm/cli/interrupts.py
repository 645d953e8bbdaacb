"""Ctrl-C and SIGTERM: the first signal finishes the training step and saves, the second stops at once."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from charlm.runs.reporting import StopRequest

STOPPING = "Finishing the step and saving… (again to stop at once)"


class Terminated(KeyboardInterrupt):
    """A KeyboardInterrupt from SIGTERM instead of Ctrl-C."""


class Interrupts:
    """The handler of both signals.

    Attributes:
        exit_code: the exit code for the last signal: 128 and its number.
    """

    def __init__(self, stop: "StopRequest | None", announce: Callable[[], None]) -> None:
        """Creates a handler that makes the request `stop` and calls `announce`, which must not block."""
        self._stop = stop
        self._announce = announce
        self.exit_code = 128 + signal.SIGINT

    def receive(self, number: int, _: FrameType | None) -> None:
        """Handles a signal.

        Raises:
            KeyboardInterrupt: there is no safe point to wait for, or this is the second signal.
        """
        self.exit_code = 128 + number
        if self._stop is not None and self._stop.graceful and not self._stop.requested:
            self._stop.requested = True
            self._announce()
        else:
            raise Terminated if number == signal.SIGTERM else KeyboardInterrupt


@contextlib.contextmanager
def interruptible(
    stop: "StopRequest | None" = None, announce: Callable[[], None] = lambda: None
) -> Iterator[Interrupts]:
    """Handles signals inside the block, and restores the earlier handlers after it.

    Args:
        stop: the request that the work checks; without it every signal stops at once.
        announce: confirms the first signal to the user.
    """
    interrupts = Interrupts(stop, announce)
    if threading.current_thread() is not threading.main_thread():
        # Only the main thread may set handlers; in another thread, signals are the caller's.
        yield interrupts
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, interrupts.receive) for number in numbers}
    try:
        yield interrupts
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
