"""The field's standard corpora, listed in catalog.toml: fetched, found, and split as is usual."""

import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from charlm.data.builtin import BUILTINS
from charlm.data.downloading import RemoteText, fetch_text
from charlm.errors import DataError
from charlm.notation import nearest


@dataclass(frozen=True)
class CorpusEntry:
    """A corpus that is known by name.

    Attributes:
        files: its text; train, valid and test when there are three.
        split: the usual split of one file in percent of the characters.
        split_bytes: the usual split of one file in bytes.
    """

    name: str
    description: str
    licence: str
    files: tuple[RemoteText, ...]
    split: str | None = None
    split_bytes: Sequence[int] | None = None
    encoding: str = "utf-8"

    @property
    def download_bytes(self) -> int:
        """Size of the downloads."""
        return sum(file.download_bytes for file in self.files)

    @property
    def size_bytes(self) -> int:
        """Size of the text."""
        return sum(file.size_bytes for file in self.files)

    @property
    def usual_split(self) -> str:
        """How the field splits it, in words."""
        if self.split_bytes is not None:
            return " / ".join(f"{count:,}" for count in self.split_bytes) + " bytes"
        return f"{self.split} %" if self.split is not None else "separate files"


def entries() -> dict[str, CorpusEntry]:
    """Returns every corpus of the catalogue by its name, the smallest first."""
    table = tomllib.loads(resources.files("charlm.data").joinpath("catalog.toml").read_text(encoding="utf-8"))
    for facts in table.values():
        facts["files"] = tuple(RemoteText(name, **file) for name, file in facts["files"].items())
    return {name: CorpusEntry(name, **facts) for name, facts in table.items()}


def require(name: str) -> CorpusEntry:
    """Returns the corpus of this name; raises a DataError that suggests one where there is none to fetch."""
    known = entries()
    if name not in known:
        if name in BUILTINS:
            task = f" --task {BUILTINS[name].tasks[0]}" if BUILTINS[name].tasks else ""
            raise DataError(f"'{name}' is part of this Python and needs no fetching: charlm train {name}{task}")
        near = nearest(name, known)
        hint = f"did you mean '{near}'?" if near else f"there are {', '.join(known)}."
        raise DataError(f"No corpus '{name}' in the catalogue; {hint}")
    return known[name]


def corpus_folder(entry: CorpusEntry, folder: Path) -> Path:
    """Returns where a corpus is kept in the data folder."""
    return folder / "corpora" / entry.name


def is_fetched(entry: CorpusEntry, folder: Path) -> bool:
    """Returns whether all files of the corpus are in the data folder, each of the right size."""
    paths = {corpus_folder(entry, folder) / file.name: file.size_bytes for file in entry.files}
    return all(path.is_file() and path.stat().st_size == size for path, size in paths.items())


def fetch(entry: CorpusEntry, *, folder: Path, progress: Callable[[int], None]) -> Path:
    """Puts a corpus into the data folder, unless it is there and intact, and returns where.

    Args:
        progress: is called with how many more bytes are done; over all calls `download_bytes`.

    Raises:
        DataError: it could not be fetched, or is not what it should be; no half file is left.
    """
    place = corpus_folder(entry, folder)
    for file in entry.files:
        fetch_text(file, folder=place, progress=progress)
    return place
