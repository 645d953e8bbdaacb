"""Processes that run charlm, with faults injected, and what became of each."""

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Ended:
    """How a process ended.

    Attributes:
        code: its exit code, negative for a signal.
        output: what it printed.
        events: what it did to the disk.
        megabytes: the most memory that it took.
    """

    code: int
    output: str
    events: tuple[str, ...]
    megabytes: int


class ProcessRunner:
    """Runs charlm in one process after the other, without importing it each time."""

    def __init__(self, scratch: Path) -> None:
        self._output, self._events = scratch / "output", scratch / "events"
        environment = os.environ | {"OMP_NUM_THREADS": "1", "TERM": "dumb", "NO_PROXY": "127.0.0.1"}
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("forked_runs.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def run(self, folder: Path, *arguments: str, kill_after: tuple[float, str] | None = None, **order: Any) -> Ended:
        """Runs a command in a folder.

        Args:
            kill_after: seconds after which the process gets a signal, by name.
            order: what else forked_runs.py is told.
        """
        assert self._process.stdin is not None and self._process.stdout is not None
        paths = {"folder": str(folder), "output": str(self._output), "events": str(self._events)}
        self._events.unlink(missing_ok=True)
        self._process.stdin.write(json.dumps({"arguments": arguments, **paths, **order}) + "\n")
        self._process.stdin.flush()
        process = int(self._process.stdout.readline())
        timer = None
        if kill_after is not None:
            seconds, name = kill_after
            timer = threading.Timer(seconds, _send, (process, getattr(signal, name)))
            timer.start()
        code, memory = map(int, self._process.stdout.readline().split())
        if timer is not None:
            timer.cancel()
        events = self._events.read_text().splitlines() if self._events.exists() else ()
        return Ended(code, self._output.read_text(errors="replace"), tuple(events), memory >> 10)

    def events_so_far(self) -> list[str]:
        """Returns what the running process has done to the disk by now."""
        return self._events.read_text().splitlines() if self._events.exists() else []

    def close(self) -> None:
        """Ends the process."""
        self._process.communicate()


def _send(process: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(process, number)
