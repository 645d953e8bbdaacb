"""Files that others may have written: read whole, within bounds, or refused in a sentence."""

import json
import os
import stat
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any

_MOST_PARTS = 200_000
"""Values that the JSON of a charlm file has at most, far more than any has."""


_DEEPEST = 50
"""Tables within tables that a charlm file has at most; what is nested deeper can overflow the stack of libraries."""


class UntrustedFileError(ValueError):
    """What a file is that was refused, such as "is not a file"; the rest of the sentence is the caller's."""


@contextmanager
def open_regular(path: Path, *, within: Path | None = None) -> Iterator[tuple[BufferedReader, int]]:
    """Gives a regular file, open for reading, and its size; nothing here waits for a pipe or a device.

    Args:
        within: a folder that a link must not lead out of; None where links may lead anywhere.

    Raises:
        UntrustedFileError: it is no regular file, or a link out of its folder.
        OSError: it is not there, or cannot be read.
    """
    if within is not None and path.is_symlink() and not path.resolve().is_relative_to(within.resolve()):
        raise UntrustedFileError("is a link out of its folder")
    # A pipe without a writer must not be waited for.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with open(descriptor, "rb") as file:  # noqa: PTH123, of a descriptor
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise UntrustedFileError("is not a file")
        yield file, status.st_size


def read_bounded(path: Path, *, most_bytes: int, within: Path | None = None) -> bytes:
    """Returns the content of a regular file.

    Raises:
        UntrustedFileError: it is no regular file, a link out of its folder, or has more bytes than it may have.
        OSError: it is not there, or cannot be read.
    """
    with open_regular(path, within=within) as (file, size):
        content = file.read(most_bytes + 1) if size <= most_bytes else None
    if content is None or len(content) > most_bytes:
        raise UntrustedFileError(f"has more than {most_bytes:,} bytes")
    return content


def parse_json(content: bytes) -> Any:
    """Returns the value that a JSON text stands for.

    Raises:
        UntrustedFileError: it is none, is nested too deeply, or has more parts than anything that charlm writes.
    """
    # A few bytes can stand for an object of hundreds, so that not the size of the text counts.
    if sum(content.count(separator) for separator in (b",", b"[", b"{")) > _MOST_PARTS:
        raise UntrustedFileError(f"has more than {_MOST_PARTS:,} parts")
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise UntrustedFileError(f"is not JSON ({type(error).__name__})") from None
    _require_shallow(value)
    return value


def parse_toml(content: bytes) -> dict[str, Any]:
    """Returns the table that a TOML text stands for.

    Raises:
        UntrustedFileError: it is none, or is nested too deeply.
    """
    # A key of dots makes a table for each: counted before the parser, which is slow at it.
    if any(line.count(b".") > 1000 for line in content.splitlines()):
        raise UntrustedFileError("is not TOML (a line has more than 1,000 dots)")
    try:
        table = tomllib.loads(content.decode())
    except UnicodeDecodeError:
        raise UntrustedFileError("is not UTF-8 text") from None
    except (ValueError, RecursionError) as error:
        raise UntrustedFileError(f"is not TOML ({error})") from None
    _require_shallow(table)
    return table


def _require_shallow(value: Any) -> None:
    level = [value]
    for _ in range(_DEEPEST):
        level = [inner for each in level for inner in _parts(each)]
        if not level:
            return
    raise UntrustedFileError(f"is nested more than {_DEEPEST} deep")


def _parts(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
