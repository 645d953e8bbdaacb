"""The text of a run: encoded for a new one, found again for one that exists."""

from contextlib import nullcontext
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from charlm.config import DataConfig
from charlm.data.corpus import EncodedCorpus, open_cached, prepare_corpus
from charlm.data.inputs import CorpusText, open_corpus
from charlm.data.layout import PartName
from charlm.data.paths import require_regular
from charlm.data.processes import usual_workers
from charlm.data.survey import survey
from charlm.data.tokenizers.build import TokenizerRecipe, given
from charlm.errors import CharlmError, DataError
from charlm.evaluation.baselines import unlikeness
from charlm.runs.reporting import Reporter
from charlm.runs.stored.record import RunRecord
from charlm.runs.stored.workspace import Workspace

_CLEARLY_UNLIKE = 0.25
"""Bits per character by which the symbols of the validation part may differ from those of the training part.

Those of plays differ by 0.02, of a manual in alphabetical order by 0.15, of surnames by language by 0.5.
"""


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
    corpus = prepare_corpus(
        text,
        folder=workspace.data if cache is None else cache,
        recipe=recipe,
        records=data.are_records,
        progress=reporter.progress,
        workers=data.workers or usual_workers(),
    )
    for note in text.noticed.notes():
        reporter.note(note)
    for warning in text.noticed.warnings():
        reporter.warn(warning)
    return corpus


def note_unlike_parts(corpus: EncodedCorpus, training_counts: NDArray[np.int64], reporter: Reporter) -> None:
    """Notes that the validation part is made of other symbols than the training part, as where a text is sorted.

    Args:
        training_counts: how often each symbol is a target in the training part.
    """
    if corpus.valid is None or unlikeness(corpus.valid, training_counts) < _CLEARLY_UNLIKE:
        return
    reporter.note(
        "The validation part is made of clearly other characters than the training part; its scores will say little. "
        "If the text is sorted, shuffle its lines: shuf TEXT > shuffled.txt; or name another text with --valid."
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
    if _is_from_stdin(data):
        if cached is None:
            raise DataError("The run's text came from stdin, and what was encoded from it is gone.")
        return cached
    try:
        text = _open_again(data, workspace)
        layout = survey(text, records=False, progress=reporter.progress, workers=usual_workers())
    except CharlmError:
        if cached is None:
            raise
        return cached
    digest = layout.digest
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
        workers=usual_workers(),
    )


def read_part_again(record: RunRecord, name: PartName, workspace: Workspace) -> str | None:
    """Returns a part of the text that a run was trained on, as it was encoded; None where it is gone or has changed."""
    data, records = record.config.data, record.config.data.are_records
    if _is_from_stdin(data):
        return None
    try:
        layout = survey(_open_again(data, workspace), records=records, progress=lambda *_: nullcontext(lambda _: None))
    except CharlmError:
        return None
    if layout.digest != record.provenance.corpus.digest:
        return None
    found: list[str] = []
    for part, pieces in layout.parts():
        # Each stretch is read before the next.
        text = "".join(pieces)
        if part == name:
            found.append(text)
    return "".join(found) if found else None


def _is_from_stdin(data: DataConfig) -> bool:
    return "-" in (*data.corpus, *data.valid, *data.test)


def _open_again(data: DataConfig, workspace: Workspace) -> CorpusText:
    """Opens a run's text; the run may be somebody else's, and what it names is read like any file of others."""
    require_regular(*data.corpus, *data.valid, *data.test)
    data = data.model_copy(update={"max_bytes": DataConfig.model_fields["max_bytes"].default})
    return open_corpus(data, folder=workspace.data, stdin=None)
