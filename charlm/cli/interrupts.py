"""Ctrl-C and SIGTERM: the first signal finishes the training step and saves, the second stops at once."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from charlm.runs.reporting import StopRequest

STOPPING = "Finishing the step and saving… (again to stop at once)"


class Terminated(KeyboardInterrupt):
    """A KeyboardInterrupt from SIGTERM instead of Ctrl-C."""


@dataclass
class Interrupts:
    """The handler of both signals.

    Attributes:
        stop: the request that the work checks; without it every signal stops at once.
        announce: confirms the first signal to the user; must not block.
        exit_code: the exit code for the last signal: 128 and its number.
    """

    stop: "StopRequest | None"
    announce: Callable[[], None]
    exit_code: int = 128 + signal.SIGINT

    def receive(self, number: int, _: FrameType | None) -> None:
        """Handles a signal.

        Raises:
            KeyboardInterrupt: there is no safe point to wait for, or this is the second signal.
        """
        self.exit_code = 128 + number
        if self.stop is not None and self.stop.graceful and not self.stop.requested:
            self.stop.requested, self.stop.signal = True, number
            self.announce()
        else:
            raise Terminated if number == signal.SIGTERM else KeyboardInterrupt


@contextlib.contextmanager
def interruptible(
    stop: "StopRequest | None" = None, announce: Callable[[], None] = lambda: None
) -> Iterator[Interrupts]:
    """Handles signals inside the block, and restores the earlier handlers after it; see `Interrupts`."""
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
            # One that was set inside the block, to be deaf to the end, stays.
            if signal.getsignal(number) == interrupts.receive:
                signal.signal(number, handler)
