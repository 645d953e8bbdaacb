"""Processes that run charlm, with faults injected, and what became of each."""

import json
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.cases import Cases

ROOT = Path(__file__).parents[2]
MOST_SECONDS = 500.0
"""A guard against hanging, no measure of speed."""


@dataclass(frozen=True)
class Ended:
    """How a process ended.

    Attributes:
        code: its exit code, negative for a signal.
        output: what it printed.
        events: what it did to the disk.
        megabytes: the most memory that it took.
        result: what the function that was called returned.
    """

    code: int
    output: str
    events: tuple[str, ...]
    megabytes: int
    result: Any = None


class ProcessRunner:
    """Runs charlm in one process after the other, without importing it each time.

    Args:
        scratch: a folder for what the processes print.
        cases: is told how much memory they take.
    """

    def __init__(self, scratch: Path, cases: Cases) -> None:
        self._output, self._events, self._result = (scratch / name for name in ("output", "events", "result"))
        self.cases = cases
        self._running: Future[int] = Future()
        environment = os.environ | {
            **{"OMP_NUM_THREADS": "1", "TERM": "dumb", "NO_PROXY": "127.0.0.1"},
            "PYTHONPATH": os.pathsep.join((str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")]))),
        }
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
        self._running = Future()
        paths = {"folder": str(folder), "output": str(self._output), "events": str(self._events)}
        paths |= {"result": str(self._result)}
        for path in (self._events, self._result):
            path.unlink(missing_ok=True)
        self._process.stdin.write(json.dumps({"arguments": arguments, **paths, **order}) + "\n")
        self._process.stdin.flush()
        process = int(self._process.stdout.readline())
        self._running.set_result(process)
        seconds, name = kill_after or (MOST_SECONDS, "SIGKILL")
        timer = threading.Timer(seconds, _send, (process, getattr(signal, name)))
        timer.start()
        code, memory = map(int, self._process.stdout.readline().split())
        timer.cancel()
        events = self._events.read_text().splitlines() if self._events.exists() else ()
        result = json.loads(self._result.read_text()) if self._result.exists() else None
        self.cases.megabytes = max(self.cases.megabytes, memory >> 10)
        return Ended(code, self._output.read_text(errors="replace"), tuple(events), memory >> 10, result)

    def call(self, function: str, folder: Path, **given: Any) -> Any:
        """Calls a function, by its module and name, in a process of its own in a folder, and returns its result."""
        ended = self.run(folder, call=function, given=given)
        assert ended.code == 0, f"{function}({given}) ended with {ended.code}: {ended.output[-3000:]}"
        return ended.result

    def events_so_far(self) -> list[str]:
        """Returns what the running process has done to the disk by now."""
        return self._events.read_text().splitlines() if self._events.exists() else []

    def kill(self) -> None:
        """Kills the command that runs in another thread."""
        _send(self._running.result(), signal.SIGKILL)

    def close(self) -> None:
        """Ends the process."""
        self._process.communicate()


def _send(process: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(process, number)
