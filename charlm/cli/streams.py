"""Standard streams that are closed or whose reader has left."""

import os
import sys
from collections.abc import Iterable
from typing import TextIO


def open_closed_streams() -> None:
    """Opens the null device for each standard stream that the process was started without.

    Python has None in their place. Files opened later would take their numbers, and get what is printed.
    """
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115, open to the end


def discard_unwritten(streams: Iterable[TextIO]) -> None:
    """Discards the unwritten output of streams, so that Python does not fail on it again at exit."""
    for stream in streams:
        try:
            stream.flush()
        except (OSError, ValueError):
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, stream.fileno())
            os.close(null)
