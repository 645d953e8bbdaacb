"""The files that a path, a folder or a glob stands for, in a fixed order."""

import glob
import os
import stat
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from charlm.data.raw import COMPRESSED_SUFFIXES
from charlm.errors import DataError
from charlm.files.errors import os_errors_as
from charlm.notation import nearest


def path_exists(spec: str) -> bool:
    """Returns whether anything is at this path; one that leads through what may not be entered is a DataError."""
    return _status(spec) is not None


def is_pipe(path: Path) -> bool:
    """Returns whether the path is a pipe, such as '<(command)', read only once; devices and sockets are DataErrors."""
    status = _status(str(path))
    if status is None or stat.S_ISREG(status.st_mode):
        return False
    if stat.S_ISFIFO(status.st_mode):
        return True
    raise DataError(f"'{path}' is a device or socket, not a text; give a file, a folder or '-' for stdin.")


def require_regular(*specs: str) -> None:
    """Raises a DataError for the path of a pipe, a device or a socket, which might be waited for."""
    for spec in specs:
        status = _status(spec)
        if status is not None and not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
            raise DataError(f"'{spec}' is no file or folder, so that the text of a run cannot be read from it.")


def find_files(spec: str, *, pattern: str, known: Iterable[str] = ()) -> tuple[Path, ...]:
    """Returns the file at `spec`, the files of a folder, or those that a glob names.

    Args:
        spec: a path; where nothing exists, a glob ('**' stands for any folders).
        pattern: which files of a folder are meant, recursively; a compressed file may match by the name inside.
        known: other names that could have been meant, for the message.

    Raises:
        DataError: nothing is there, nothing matches, or a folder cannot be read.
    """
    status = _status(spec)
    if status is not None and not stat.S_ISDIR(status.st_mode):
        return (Path(spec),)
    if status is not None:
        found = _walk(Path(spec), pattern)
        problem = f"The folder '{spec}' has no file that matches '{pattern}'; choose others with --pattern."
    elif glob.has_magic(spec):
        names = glob.iglob(spec, recursive=True)  # noqa: PTH207, Path.glob takes no absolute pattern
        found, problem = filter(Path.is_file, map(Path, names)), f"No file matches '{spec}'."
    else:
        near = nearest(spec, known) or _near_sibling(Path(spec))
        hint = f"did you mean '{near}'?" if near else "'charlm data list' shows the corpora known by name."
        raise DataError(f"No file, folder or known corpus '{spec}'; {hint}")
    files = tuple(sorted(found, key=lambda file: file.parts))
    if not files:
        raise DataError(problem)
    return files


def text_name(path: Path) -> str:
    """Returns the name of a file without its suffixes: 'war' for 'x/war.txt.gz'."""
    return Path(_unpacked_name(path.name)).stem


def _status(spec: str) -> os.stat_result | None:
    if not spec:
        return None
    with os_errors_as(DataError, f"'{spec}' cannot be read"):
        try:
            return Path(spec).stat()
        except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: a NUL in the path
            return None


def _near_sibling(path: Path) -> str | None:
    try:
        # By their names alone: two long paths are alike whatever the files in them are called.
        name = nearest(path.name, [sibling.name for sibling in path.parent.iterdir()])
    except (OSError, ValueError):
        return None
    return None if name is None else str(path.parent / name)


def _walk(folder: Path, pattern: str) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        raise DataError(f"The folder '{error.filename}' cannot be read: {error.strerror}.")

    for parent, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = Path(parent, name)
            # A link to nowhere is kept, so that reading it fails; skipping it would lose a text unnoticed.
            if _matches(name, pattern) and (path.is_file() or path.is_symlink()):
                yield path


def _matches(name: str, pattern: str) -> bool:
    return not name.startswith(".") and any(fnmatchcase(each, pattern) for each in (name, _unpacked_name(name)))


def _unpacked_name(name: str) -> str:
    return Path(name).stem if Path(name).suffix.lower() in COMPRESSED_SUFFIXES else name
