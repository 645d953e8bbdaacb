"""The lock of the file to which Optuna appends, and what a process that was killed left in it."""

import os
from pathlib import Path
from typing import final

from filelock import FileLock


@final
class JournalLock:
    """The lock under which Optuna appends to its file; unlike Optuna's own, the system releases it with the process."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = FileLock(file.with_name(".journal.lock"))

    def acquire(self) -> bool:
        """Takes the lock, and takes away what a process that was killed left of a line."""
        self._lock.acquire()
        try:
            self._drop_half_a_line()
        except BaseException:
            self._lock.release()
            raise
        return True

    def _drop_half_a_line(self) -> None:
        with self._file.open("r+b") as journal:
            size = journal.seek(0, os.SEEK_END)
            journal.seek(max(0, size - 1))
            if journal.read() not in (b"", b"\n"):
                journal.seek(0)
                journal.truncate(journal.read().rfind(b"\n") + 1)

    def release(self) -> None:
        """Releases the lock."""
        self._lock.release()
