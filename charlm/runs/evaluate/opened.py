"""The text that `charlm eval` measures, as symbols: files, or a part of what the run was trained on."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple

from charlm.data.corpus import EncodedCorpus, encode_text
from charlm.data.encoder import EncodedText
from charlm.data.inputs import open_text
from charlm.data.layout import as_pieces
from charlm.data.sources import TextSource
from charlm.errors import DataError
from charlm.runs.evaluate.choice import Split, TextChoice
from charlm.runs.reporting import Reporter
from charlm.runs.stored.corpus import read_part_again, reopen_corpus
from charlm.runs.stored.loading import LoadedModel
from charlm.runs.stored.workspace import Workspace


class OpenedText(NamedTuple):
    """A text that is opened to be scored.

    Attributes:
        encoded: its symbols.
        label: a short name for people.
        read_again: returns it as it was encoded, where it can be.
        source: where it is read from; None for a part of the run's own corpus.
    """

    encoded: EncodedText
    label: str
    read_again: Callable[[], str | None]
    source: TextSource | None


@contextmanager
def opened_text(
    loaded: LoadedModel,
    text: TextChoice,
    workspace: Workspace,
    reporter: Reporter,
    *,
    command: str,
    corpus: Callable[[], EncodedCorpus] | None = None,
) -> Iterator[OpenedText]:
    """Gives a text as symbols.

    Args:
        command: of `charlm eval`, with its run, for messages.
        corpus: returns the run's own corpus.  [default: it is found again]
    """
    if not text.files:
        own = reopen_corpus(loaded.record, workspace, reporter) if corpus is None else corpus()
        part, label, name = _own_part(loaded, own, text.split, reporter, command=command)
        yield OpenedText(part, label, partial(read_part_again, loaded.record, name, workspace), None)
        return
    data = loaded.config.data.model_copy(update=text.reading)
    source, notes = open_text(text.files, data=data, folder=workspace.data, stdin=text.stdin)
    for note in notes:
        reporter.note(note)
    with encode_text(source, loaded.tokenizer, folder=workspace.data, progress=reporter.progress) as encoded:
        records = loaded.tokenizer.begin is not None
        yield OpenedText(encoded, source.label, lambda: "".join(as_pieces(source.chunks(), records=records)), source)


def _own_part(
    loaded: LoadedModel, corpus: EncodedCorpus, split: Split | None, reporter: Reporter, *, command: str
) -> tuple[EncodedText, str, Split]:
    """Returns a part of the corpus the run was trained on, its label and its name."""
    parts = {"train": corpus.train, "valid": corpus.valid, "test": corpus.test}
    chosen: Split = split or ("test" if corpus.test is not None else "valid")
    part = parts[chosen]
    if part is None:
        present = ", ".join(name for name, each in parts.items() if each is not None)
        raise DataError(
            f"'{loaded.name}' was trained without a {chosen} part (it has: {present}); "
            f"choose one with --split, or give a text: charlm eval {command} TEXT"
        )
    if split is None and chosen != "test":
        reporter.note(f"'{loaded.name}' has no test part; scoring its validation part.")
    return part, f"{corpus.label} ({chosen})", chosen
