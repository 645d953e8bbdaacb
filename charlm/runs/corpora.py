"""`charlm data`: the corpora that charlm knows, and what a text looks like to it."""

from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from charlm.config import DataConfig, TokenizerConfig
from charlm.data.builtin import BUILTINS
from charlm.data.catalog import entries, is_fetched, require
from charlm.data.catalog import fetch as fetch_entry
from charlm.data.inputs import open_corpus
from charlm.data.layout import empty_text
from charlm.data.tokenizers.build import learnt
from charlm.notation import counted
from charlm.runs.describe import describe_corpus
from charlm.runs.reporting import Reporter
from charlm.runs.stored.corpus import encode_corpus
from charlm.runs.stored.workspace import Workspace


@dataclass(frozen=True)
class CorpusRow:
    """A corpus that charlm knows by name."""

    name: str
    description: str
    size_bytes: int | None
    licence: str
    split: str
    state: str


@dataclass(frozen=True)
class CorpusPreview:
    """Facts of a text, and how it begins."""

    rows: tuple[tuple[str, str], ...]
    excerpt: str


def listing(workspace: Workspace) -> tuple[CorpusRow, ...]:
    """Returns every corpus that charlm knows, the built-in ones first."""
    own = tuple(
        CorpusRow(name, each.description, None, each.licence, "90/5/5 %", "built-in") for name, each in BUILTINS.items()
    )
    return own + tuple(
        CorpusRow(
            entry.name,
            entry.description,
            entry.size_bytes,
            entry.licence,
            entry.usual_split,
            "fetched" if is_fetched(entry, workspace.data) else "not fetched",
        )
        for entry in entries().values()
    )


def fetch(name: str, workspace: Workspace, reporter: Reporter) -> Path:
    """Downloads a corpus of the catalogue, verified, and returns its folder; errors as in `require` and `fetch`."""
    entry = require(name)
    with reporter.progress(f"fetching {entry.name}", entry.download_bytes) as advance:
        return fetch_entry(entry, folder=workspace.data, progress=advance)


def prepare(
    data: DataConfig,
    tokenizer: TokenizerConfig,
    workspace: Workspace,
    reporter: Reporter,
    *,
    stdin: BinaryIO | None = None,
) -> list[tuple[str, str]]:
    """Encodes a text as `encode_corpus` does, as training would, and returns facts of it and where it lies."""
    recipe = learnt(tokenizer, records=data.are_records)
    corpus = encode_corpus(data, recipe, workspace, reporter, stdin=stdin)
    return [*describe_corpus(corpus), ("encoded in", str(corpus.folder))]


def show(
    data: DataConfig, workspace: Workspace, reporter: Reporter, *, characters: int, stdin: BinaryIO | None = None
) -> CorpusPreview:
    """Returns facts of a text and its first characters, without encoding it; errors as in `open_corpus`.

    Raises:
        DataError: there is nothing in it, too.
    """
    text = open_corpus(data, folder=workspace.data, stdin=stdin)
    for note in text.notes:
        reporter.note(note)
    total, num_bytes, lines, excerpt = 0, 0, 0, ""
    distinct: set[str] = set()
    with reporter.progress(f"reading {text.label}", text.train.size_bytes()) as advance:
        for chunk in text.train.chunks():
            size = len(chunk.encode())
            total, num_bytes, lines = total + len(chunk), num_bytes + size, lines + chunk.count("\n")
            distinct.update(chunk)
            if len(excerpt) < characters:
                excerpt += chunk[: characters - len(excerpt)]
            advance(size)
    if total == 0:
        raise empty_text(text.train, records=False)
    shown = " ".join(islice((repr(each)[1:-1] for each in sorted(distinct) if each > " "), 120))
    rows = (
        ("corpus", text.label),
        ("size", ", ".join(counted(*each) for each in ((total, "character"), (num_bytes, "byte"), (lines, "line")))),
        ("vocabulary", f"{counted(len(distinct), 'character')}: {shown}{' …' if len(distinct) > 120 else ''}"),
    )
    return CorpusPreview(rows, excerpt)
