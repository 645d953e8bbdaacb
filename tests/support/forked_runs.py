"""The program behind `ProcessRunner`: runs charlm in one forked process after the other, and imports it once for all.

Reads a JSON object a line: `arguments`, the `folder` to run them in, the `output` file, the `events` file, and
maybe `faults`, `limits` (of the process, by name), `broken_clock`, or a text to `fetch` instead. Answers with
the process and, when it has ended, its status and the most memory that it took, in KiB.

Everything that a process does to the disk is an event: an operation and the file that it is on. A fault is
the number of an event, and what happens instead of it: the name of a signal, which the process sends to
itself, or the name of an error, which the system reports.
"""

import contextlib
import errno
import json
import os
import re
import resource
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import charlm.cli.app
import charlm.cli.display.live
import charlm.files.writing
import charlm.runs.compare.comparing
import charlm.runs.evaluate.perplexity
import charlm.runs.sample
import charlm.runs.train.resume
import charlm.runs.train.start
import charlm.runs.verify
from charlm.data.downloading import RemoteText, fetch_text

_TEMPORARY = re.compile(r"^(\.tmp-.+)-[0-9a-f]{8}$")


class Events:
    """Counts what a process does to the disk, and injects faults."""

    def __init__(self, log: Path, faults: dict[int, str]) -> None:
        self.log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        self.faults = faults
        self.number = 0

    def happen(self, operation: str, path: object) -> None:
        name = Path(os.fsdecode(path)).name  # type: ignore[arg-type]
        match = _TEMPORARY.match(name)
        with contextlib.suppress(OSError):  # Its own limits are the process's, too.
            os.write(self.log, f"{operation} {match[1] if match else name}\n".encode())
        fault = self.faults.get(self.number)
        self.number += 1
        if fault is None:
            return
        if fault.startswith("SIG"):
            os.kill(os.getpid(), getattr(signal, fault))
            return
        code = getattr(errno, fault)
        raise OSError(code, os.strerror(code), os.fsdecode(path))  # type: ignore[arg-type]


class Torn:
    """A file that is written in two halves, with an event between them."""

    def __init__(self, file: Any, events: Events, name: object) -> None:
        self._file, self._events, self._name = file, events, name

    def __enter__(self) -> "Torn":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def write(self, content: bytes) -> None:
        half = len(content) // 2
        self._file.write(content[:half])
        self._file.flush()
        self._events.happen("middle", self._name)
        self._file.write(content[half:])

    def writelines(self, pieces: list[bytes]) -> None:
        self.write(b"".join(pieces))


def path_of(descriptor: int) -> Path:
    """Returns the file that a descriptor is of."""
    return Path(f"/proc/self/fd/{descriptor}").readlink()


def arm(events: Events) -> None:
    """Puts an event before everything that changes the disk, and one after each change of a name."""

    def around(module: Any, name: str, *, on: int, after: bool = False) -> None:
        plain = getattr(module, name)

        def wrapped(*arguments: Any, **settings: Any) -> Any:
            events.happen(name, arguments[on])
            result = plain(*arguments, **settings)
            if after:
                events.happen(f"{name}d", arguments[on])
            return result

        setattr(module, name, wrapped)

    around(os, "rename", on=1, after=True)
    around(os, "replace", on=1, after=True)
    around(os, "link", on=1, after=True)
    around(os, "unlink", on=0)
    around(os, "mkdir", on=0, after=True)
    plain_sync, plain_open = os.fsync, Path.open

    def fsync(descriptor: int) -> None:
        events.happen("fsync", path_of(descriptor))
        plain_sync(descriptor)

    def path_open(path: Path, mode: str = "r", *arguments: Any, **settings: Any) -> Any:
        if mode != "x+b":
            return plain_open(path, mode, *arguments, **settings)
        events.happen("open", path)
        return Torn(plain_open(path, mode, *arguments, **settings), events, path)

    def descriptor_open(descriptor: int, mode: str) -> Any:
        return Torn(open(descriptor, mode), events, path_of(descriptor))

    os.fsync = fsync
    Path.open = path_open  # type: ignore[method-assign, assignment]
    charlm.files.writing.open = descriptor_open  # type: ignore[attr-defined]


def run(order: dict[str, Any]) -> int:
    """Runs one command, in a process of its own, and returns its exit code."""
    os.chdir(order["folder"])
    output = os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(output, stream)
    sys.stdout, sys.stderr = (open(stream, "w", encoding="utf-8") for stream in (1, 2))  # noqa: PTH123, SIM115
    events = Events(Path(order["events"]), {int(number): what for number, what in order.get("faults", {}).items()})
    arm(events)
    for name, limit in order.get("limits", {}).items():
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (limit, limit))
    if order.get("broken_clock"):
        times = iter(range(10**9, 0, -100))
        time.time = lambda: float(next(times))
    try:
        if "fetch" in order:
            fetch_text(RemoteText(**order["fetch"]), folder=Path("corpora"), progress=lambda _: None)
            return 0
        code = charlm.cli.app.run(order["arguments"])
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
        code = 99
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    return code


def answer(*numbers: int) -> None:
    """Tells whoever gives the orders."""
    sys.stdout.write(" ".join(map(str, numbers)) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Serves orders until there are no more."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for line in sys.stdin:
        process = os.fork()
        if process == 0:
            os._exit(run(json.loads(line)))
        answer(process)
        _, status, used = os.wait4(process, 0)
        answer(os.waitstatus_to_exitcode(status), used.ru_maxrss)


if __name__ == "__main__":
    main()
