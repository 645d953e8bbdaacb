"""The texts that every Python brings along: its documentation and its standard library."""

import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from charlm.data.encodings import decode
from charlm.data.raw import FileInput
from charlm.data.sources import CombinedSource, DecodedSource, StringSource, TextSource
from charlm.errors import DataError

BUILTIN_PREFIX = "builtin:"

# Tests, installed packages, and the documentation once more, as string literals.
_NOT_LIBRARY = frozenset(
    {"site-packages", "dist-packages", "test", "tests", "idle_test", "lib2to3", "pydoc_data", "__pycache__"}
)


@dataclass(frozen=True)
class BuiltinText:
    """A text that is on every machine."""

    description: str
    licence: str
    open: Callable[[], TextSource]


def open_builtin(name: str) -> TextSource:
    """Returns the built-in text of this name, such as 'builtin:python-docs'.

    Raises:
        DataError: there is no such built-in text, or this Python was installed without it.
    """
    if name not in BUILTINS:
        raise DataError(f"No built-in text '{name}'; there are {' and '.join(BUILTINS)}.")
    return BUILTINS[name].open()


def _python_docs() -> TextSource:
    try:
        from pydoc_data.topics import topics  # late: half a megabyte
    except ImportError:
        raise DataError(
            "This Python has no 'pydoc_data', which 'builtin:python-docs' is made of; "
            "use 'builtin:python-source' or a text of your own."
        ) from None
    return StringSource("\n\n".join(topics[key] for key in sorted(topics)), label="python-docs")


def _python_source() -> TextSource:
    library = Path(sysconfig.get_path("stdlib"))
    files = sorted(library.rglob("*.py"), key=lambda file: file.parts)
    own = (file for file in files if file.is_file() and _NOT_LIBRARY.isdisjoint(file.relative_to(library).parts))
    parts = tuple(DecodedSource(FileInput(file), label=file.stem) for file in own if _is_readable(file))
    if not parts:
        raise DataError(
            f"This Python has no source files in '{library}', which 'builtin:python-source' is made of; "
            "use 'builtin:python-docs' or a text of your own."
        )
    return CombinedSource(parts, label="python-source")


def _is_readable(path: Path) -> bool:
    """Returns whether the file can be read and is UTF-8: a few are there to try out other encodings."""
    try:
        return all(decode(FileInput(path), encoding="utf-8"))
    except DataError:
        return False


BUILTINS = {
    BUILTIN_PREFIX + "python-docs": BuiltinText(
        "Python's language reference, as help() shows it: about half a million characters of prose.",
        "Python Software Foundation License",
        _python_docs,
    ),
    BUILTIN_PREFIX + "python-source": BuiltinText(
        "Python's standard library without its tests: about 11 million characters of code.",
        "Python Software Foundation License",
        _python_source,
    ),
}
"""Every built-in text by its name on the command line."""
