"""The text of a run: encoded for a new one, found again for one that exists."""

from pathlib import Path
from typing import BinaryIO

from charlm.config import DataConfig
from charlm.data.corpus import EncodedCorpus, open_cached, prepare_corpus
from charlm.data.inputs import open_corpus
from charlm.data.layout import survey
from charlm.data.paths import require_regular
from charlm.data.tokenizers.build import TokenizerRecipe, given
from charlm.errors import CharlmError, DataError
from charlm.runs.reporting import Reporter
from charlm.runs.stored.record import RunRecord
from charlm.runs.stored.workspace import Workspace


def encode_corpus(
    data: DataConfig,
    recipe: TokenizerRecipe,
    workspace: Workspace,
    reporter: Reporter,
    *,
    stdin: BinaryIO | None = None,
    cache: Path | None = None,
) -> EncodedCorpus:
    """Returns a text as symbols, from the cache where it was encoded before.

    Args:
        recipe: where the tokenizer comes from.
        stdin: where the text '-' is read from.
        cache: the folder to encode into.  [default: the workspace's data folder]

    Raises:
        DataError: it cannot be read, or is too short for its split.
    """
    text = open_corpus(data, folder=workspace.data, stdin=stdin)
    for note in text.notes:
        reporter.note(note)
    return prepare_corpus(
        text,
        folder=workspace.data if cache is None else cache,
        recipe=recipe,
        records=data.are_records,
        progress=reporter.progress,
    )


def reopen_corpus(record: RunRecord, workspace: Workspace, reporter: Reporter) -> EncodedCorpus:
    """Returns the text that a run was trained on, encoded with its tokenizer.

    The text itself is read again and compared, so that a changed one is noticed; where it is gone (or came
    from stdin), what was encoded from it serves.

    Raises:
        DataError: the text has changed, or neither it nor its encoded form is there.
    """
    data, known = record.config.data, record.provenance.corpus
    cached = open_cached(workspace.data, known.key)
    if cached is not None and (cached.tokenizer != record.tokenizer or cached.digest != known.digest):
        cached = None  # The key is that of another text.
    if "-" in (*data.corpus, *data.valid, *data.test):
        if cached is None:
            raise DataError("The run's text came from stdin, and what was encoded from it is gone.")
        return cached
    try:
        # The run may be somebody else's: what it names is read like any file of others.
        require_regular(*data.corpus, *data.valid, *data.test)
        data = data.model_copy(update={"max_bytes": DataConfig.model_fields["max_bytes"].default})
        text = open_corpus(data, folder=workspace.data, stdin=None)
        digest = survey(text, records=False, progress=reporter.progress).digest
    except CharlmError:
        if cached is None:
            raise
        return cached
    if digest != known.digest:
        raise DataError(
            f"'{text.label}' has changed since the run was started (SHA-256 {digest[:12]}…, "
            f"then {known.digest[:12]}…); put the text back, or start a new run from this one with --init-from."
        )
    if cached is not None:
        return cached
    return prepare_corpus(
        text,
        folder=workspace.data,
        recipe=given(record.tokenizer),
        records=data.are_records,
        progress=reporter.progress,
    )
