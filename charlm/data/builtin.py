"""The texts that every Python brings along: its documentation and its standard library."""

import sys
import sysconfig
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np

from charlm.data.encodings import decode
from charlm.data.examples.example import Example
from charlm.data.examples.python_tokens import tagged_blocks
from charlm.data.examples.source import ReadyExamples
from charlm.data.hashing import hashed
from charlm.data.raw import FileInput
from charlm.data.sources import CombinedSource, DecodedSource, KeptSource, StringSource, TextSource
from charlm.errors import DataError
from charlm.notation import either

BUILTIN_PREFIX = "builtin:"

# Tests, installed packages, and the documentation once more, as string literals.
_NOT_LIBRARY = frozenset(
    {"site-packages", "dist-packages", "test", "tests", "idle_test", "lib2to3", "pydoc_data", "__pycache__"}
)
_SHARE_TAGGED = 0.25
"""Share of the files of the standard library whose tokens are tagged: Python's own tokenizer takes seconds for them."""
_COUNTED_NAMES = ("CJK ", "HANGUL SYLLABLE", "TANGUT ", "NUSHU ", "KHITAN ", "VARIATION SELECTOR")
_NUM_SUMS = 50_000


@dataclass(frozen=True)
class BuiltinText:
    """A text that is on every machine.

    Attributes:
        tasks: the tasks that it has the examples of, as the lines that `Example.to_line` gives; none for text.
    """

    description: str
    licence: str
    open: Callable[[], TextSource]
    tasks: tuple[str, ...] = ()


def open_builtin(name: str, *, task: str | None = None) -> TextSource:
    """Returns the built-in text of this name, such as 'builtin:python-docs'.

    Raises:
        DataError: there is no such built-in text, it is for another task, or this Python was installed without it.
    """
    if name not in BUILTINS:
        raise DataError(f"No built-in text '{name}'; there are {', '.join(BUILTINS)}.")
    text = BUILTINS[name]
    if task not in (text.tasks or (None,)):
        if not text.tasks:
            raise DataError(f"'{name}' is to be read without --task.")
        raise DataError(f"'{name}' has examples, for: charlm train {name} --task {either(text.tasks)}")
    return text.open() if task is None else ReadyExamples(text.open())


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
    library, files = _library_files()
    parts = tuple(DecodedSource(FileInput(file), label=file.stem) for file in files if _is_readable(file))
    if not parts:
        raise DataError(
            f"This Python has no source files in '{library}', which 'builtin:python-source' is made of; "
            "use 'builtin:python-docs' or a text of your own."
        )
    return CombinedSource(parts, label="python-source")


def _library_files() -> tuple[Path, list[Path]]:
    """Returns the folder of the standard library, and its files without tests."""
    library = Path(sysconfig.get_path("stdlib"))
    files = sorted(library.rglob("*.py"), key=lambda file: file.parts)
    own = (file for file in files if file.is_file() and _NOT_LIBRARY.isdisjoint(file.relative_to(library).parts))
    return library, list(own)


@final
class PythonTokens(TextSource):
    """A part of the standard library as examples, a line each, every character with the class of its token."""

    label = "python-tokens"

    def chunks(self) -> Iterator[str]:
        """Yields the lines, those of a file at a time; which files is decided by a hash of their names."""
        library, files = _library_files()
        for file in files:
            if hashed(file.relative_to(library).as_posix()) < _SHARE_TAGGED and _is_readable(file):
                text = "".join(decode(FileInput(file), encoding="utf-8")).replace("\r\n", "\n")
                if lines := "".join(example.to_line() for example in tagged_blocks(text)):
                    yield lines

    def size_bytes(self) -> None:
        """Returns None: it is made while it is read."""
        return


def _examples(label: str, examples: Iterable[Example]) -> TextSource:
    return StringSource("".join(example.to_line() for example in examples), label=label)


def _unicode_names() -> Iterator[Example]:
    """Yields each character's name and category; of names that only count characters, none."""
    for code in range(sys.maxunicode + 1):
        name = unicodedata.name(chr(code), "")
        if name and not name.startswith(_COUNTED_NAMES):
            yield Example(name, unicodedata.category(chr(code)))


def _sums() -> Iterator[Example]:
    """Yields different sums, drawn by a fixed seed."""
    drawn = np.random.default_rng(1).choice(1_000_000, _NUM_SUMS, replace=False)
    for number in drawn.tolist():
        one, other = divmod(number, 1000)
        yield Example(f"{one}+{other}", f"{one + other}")


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
    BUILTIN_PREFIX + "python-tokens": BuiltinText(
        "A quarter of Python's standard library for --task tag, every character with its token's class.",
        "Python Software Foundation License",
        lambda: KeptSource(PythonTokens()),
        tasks=("tag",),
    ),
    BUILTIN_PREFIX + "unicode-names": BuiltinText(
        "The names of Unicode's characters with their general category, such as Lu.",
        "Unicode License",
        lambda: _examples("unicode-names", _unicode_names()),
        tasks=("classify", "generate"),
    ),
    BUILTIN_PREFIX + "sums": BuiltinText(
        "50,000 sums of two numbers of up to three digits, such as 123+45, with their results.",
        "none",
        lambda: _examples("sums", _sums()),
        tasks=("transduce",),
    ),
}
"""Every built-in text by its name on the command line."""
