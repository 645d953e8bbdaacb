"""Everything that a process does to the disk, as events: counted, recorded, and maybe faulty.

A fault is the number of an event, and what happens instead of it: the name of a signal, which the process sends to
itself, or the name of an error, which the system reports.
"""

import contextlib
import errno
import json
import os
import re
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import charlm.files.writing

_TEMPORARY = re.compile(r"^(\.tmp-.+)-[0-9a-f]{8}$")


class Listener(Protocol):
    """Is told of everything that is about to be done to the disk."""

    def happen(self, operation: str, path: Path, source: Path | None = None) -> None:
        """Is told of an operation on a path, and from which other path its content comes."""

    def write(self, path: Path, content: bytes) -> None:
        """Is told what is appended to a file."""


class Events:
    """Counts what a process does to the disk, injects faults, and lets something be done at some events.

    Args:
        log: the file in which each event becomes a line.
        faults: what happens instead of an event, by its number.
        action: is called with the number of each event, before it; None for nothing.
    """

    def __init__(self, log: Path, faults: Mapping[int, str], action: Callable[[int], None] | None = None) -> None:
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        self._faults = faults
        self._action = action
        self._is_acting = False
        self._number = 0

    def happen(self, operation: str, path: Path, source: Path | None = None) -> None:
        if self._is_acting:
            return
        match = _TEMPORARY.match(path.name)
        with contextlib.suppress(OSError):  # Its own limits are the process's, too.
            os.write(self._log, f"{operation} {match[1] if match else path.name}\n".encode())
        number, self._number = self._number, self._number + 1
        if self._action is not None:
            self._is_acting = True
            self._action(number)
            self._is_acting = False
        fault = self._faults.get(number)
        if fault is None:
            return
        if fault.startswith("SIG"):
            os.kill(os.getpid(), getattr(signal, fault))
            return
        code = getattr(errno, fault)
        raise OSError(code, os.strerror(code), str(path))

    def write(self, path: Path, content: bytes) -> None:
        pass


class Recorder:
    """Writes down everything that a process does to the disk, as lines of JSON: operation, path, source, content."""

    def __init__(self, log: Path) -> None:
        self._log = log.open("a")

    def happen(self, operation: str, path: Path, source: Path | None = None) -> None:
        self._note(operation, path, source=None if source is None else str(source.absolute()))

    def write(self, path: Path, content: bytes) -> None:
        self._note("write", path, content=content.decode("latin-1"))

    def _note(self, operation: str, path: Path, **facts: str | None) -> None:
        self._log.write(json.dumps({"operation": operation, "path": str(path.absolute()), **facts}) + "\n")
        self._log.flush()


class Torn:
    """A file that is written in two halves, with an event between them."""

    def __init__(self, file: Any, listener: Listener, path: Path) -> None:
        self._file, self._listener, self._path = file, listener, path

    def __enter__(self) -> "Torn":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def write(self, content: bytes) -> None:
        half = len(content) // 2
        self._listener.write(self._path, content[:half])
        self._file.write(content[:half])
        self._file.flush()
        self._listener.happen("middle", self._path)
        self._listener.write(self._path, content[half:])
        self._file.write(content[half:])

    def writelines(self, pieces: list[bytes]) -> None:
        self.write(b"".join(pieces))


def path_of(descriptor: int) -> Path:
    """Returns the file that a descriptor is of."""
    return Path(f"/proc/self/fd/{descriptor}").readlink()


def _named(path: Any, descriptor: int | None) -> Path:
    named = Path(os.fsdecode(path))
    return named if descriptor is None else path_of(descriptor) / named


def arm(listener: Listener) -> None:
    """Puts an event before everything that changes the disk, and one after each change of a name."""

    def around(name: str, *, has_source: bool, after: bool = False) -> None:
        plain = getattr(os, name)

        def wrapped(path: Any, *arguments: Any, dir_fd: int | None = None, **settings: Any) -> Any:
            given = _named(path, dir_fd)
            changed, source = (Path(arguments[0]), given) if has_source else (given, None)
            listener.happen(name, changed, source)
            at = {} if dir_fd is None else {"dir_fd": dir_fd}
            result = plain(path, *arguments, **at, **settings)
            if after:
                listener.happen(f"{name}d", changed)
            return result

        setattr(os, name, wrapped)

    around("rename", has_source=True, after=True)
    around("replace", has_source=True, after=True)
    around("link", has_source=True, after=True)
    around("unlink", has_source=False)
    around("rmdir", has_source=False)
    around("mkdir", has_source=False, after=True)
    plain_sync, plain_open = os.fsync, Path.open

    def fsync(descriptor: int) -> None:
        listener.happen("fsync", path_of(descriptor))
        plain_sync(descriptor)

    def path_open(path: Path, mode: str = "r", *arguments: Any, **settings: Any) -> Any:
        if mode != "x+b":
            return plain_open(path, mode, *arguments, **settings)
        listener.happen("open", path)
        return Torn(plain_open(path, mode, *arguments, **settings), listener, path)

    def descriptor_open(descriptor: int, mode: str) -> Any:
        return Torn(open(descriptor, mode), listener, path_of(descriptor))

    os.fsync = fsync
    Path.open = path_open  # type: ignore[method-assign, assignment]
    charlm.files.writing.open = descriptor_open  # type: ignore[attr-defined]
