"""The text that a run was trained on, found again."""

from collections.abc import Mapping
from typing import Any

from charlm.config import RunConfig
from charlm.data.corpus import EncodedCorpus, digest_of, open_cached, prepare_corpus
from charlm.data.inputs import open_corpus
from charlm.data.tokenizers.base import Tokenizer
from charlm.data.tokenizers.recipes import given
from charlm.errors import CharlmError, DataError
from charlm.runs.reporting import Reporter
from charlm.runs.workspace import Workspace


def reopen_corpus(
    config: RunConfig, values: Mapping[str, Any], tokenizer: Tokenizer, workspace: Workspace, reporter: Reporter
) -> EncodedCorpus:
    """Returns the text that a run was trained on, encoded with its tokenizer.

    The text itself is read again and compared, so that a changed one is noticed; where it is gone (or came
    from stdin), what was encoded from it serves.

    Args:
        values: the values of the run's checkpoint.

    Raises:
        DataError: the text has changed, or neither it nor its encoded form is there.
    """
    known = values["corpus"]
    cached = open_cached(workspace.data, known["key"])
    if "-" in (*config.data.corpus, *config.data.valid, *config.data.test):
        if cached is None:
            raise DataError("The run's text came from stdin, and what was encoded from it is gone.")
        return cached
    try:
        text = open_corpus(config.data, folder=workspace.data, stdin=None)
        digest = digest_of(text, progress=reporter.progress)
    except CharlmError:
        if cached is None:
            raise
        return cached
    if digest != known["digest"]:
        raise DataError(
            f"'{text.label}' has changed since the run was started (SHA-256 {digest[:12]}…, "
            f"then {known['digest'][:12]}…); put the text back, or start a new run from this one with --init-from."
        )
    if cached is not None and cached.tokenizer == tokenizer:
        return cached
    return prepare_corpus(
        text,
        folder=workspace.data,
        recipe=given(tokenizer),
        records=config.data.records == "lines",
        progress=reporter.progress,
    )
