"""`charlm predict`: what a run's model says of examples."""

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import islice
from pkgutil import resolve_name
from typing import BinaryIO, Literal

from charlm.config import Device
from charlm.data.inputs import open_text
from charlm.data.sources import CombinedSource
from charlm.data.tokenizers.records import split_lines
from charlm.errors import ConfigError, DataError
from charlm.notation import either
from charlm.runs.device import resolve_device
from charlm.runs.predict.answer import Answer, Given, Predict
from charlm.runs.reporting import Reporter
from charlm.runs.stored.labelling import Labeller, load_labeller
from charlm.runs.stored.workspace import Workspace
from charlm.tasks import TASKS, names_with

_FORMS: Mapping[str, Literal["NFC", "NFKC"]] = {"nfc": "NFC", "nfkc": "NFKC"}

AT_ONCE = 1024
"""Lines of a file that are answered side by side."""


def predict(
    run: str,
    text: tuple[str, ...],
    workspace: Workspace,
    reporter: Reporter,
    *,
    device: Device = "auto",
    beam: int | None = None,
    are_ranked: bool = False,
    are_sentences: bool = False,
    header: bool | None = None,
    stdin: BinaryIO | None = None,
) -> Iterator[Answer]:
    """Returns the answer to each line of a text, as they are made; to standard input, line by line.

    Args:
        beam: how many answers are weighed up side by side, where a model answers with texts.
        are_ranked: whether the likeliest answers are wanted, not the best one alone.
        are_sentences: whether each line is a sentence, not a token of one.
        header: whether the first line of each file names the columns and is left out.  [default: as the run was
            trained; standard input has no such line]
        text: files, as in `DataConfig.corpus`; ("-",) for standard input.

    Raises:
        CharlmError: there is no such run or text, its model has no such answers, or an example is longer than the run
            allows.
    """
    labeller = load_labeller(run, workspace, device=resolve_device(device), command="predict", beam=beam)
    task = TASKS[labeller.tokenizer.task]
    have_tokens = task.head == "each" and not labeller.data.is_builtin
    for option, is_asked, tasks in (
        ("--beam", beam is not None and task.head != "sequence", names_with(lambda each: each.head == "sequence")),
        ("--probabilities", are_ranked and task.head == "each", names_with(lambda each: each.head != "each")),
        ("--sentences", are_sentences and not have_tokens, names_with(lambda each: each.head == "each")),
    ):
        if is_asked:
            of_columns = ", of columns" if option == "--sentences" else ""
            raise ConfigError(
                f"{option} is for models of --task {either(tasks)}{of_columns}; '{labeller.loaded.name}' is none."
            )
    lines: Iterator[str]
    if text == ("-",) and stdin is not None:
        lines, name, at_once = islice(_lines_of_stream(stdin), int(bool(header)), None), "stdin", 1
    else:
        if header is None and labeller.data.header:
            header = True
            reporter.note("The first line of each file is left out, as in training; with --no-header it is answered.")
        plain = labeller.data.model_copy(update={"task": None})
        source, notes = open_text(text, data=plain, folder=workspace.data, stdin=stdin)
        for note in notes:
            reporter.note(note)
        assert isinstance(source, CombinedSource)
        lines = _lines_of_files(source, first=int(bool(header)), end_sentences=have_tokens and not are_sentences)
        name, at_once = text[0] if len(text) == 1 else source.label, AT_ONCE
    given = Given(
        lines,
        name=name,
        at_once=at_once,
        num_left_out=int(bool(header)),
        are_sentences=are_sentences,
        warn=reporter.warn,
    )
    return answers(labeller, given)


def answers(labeller: Labeller, given: Given) -> Iterator[Answer]:
    """Returns the answer to each line that is given, which gets the Unicode form of the training text."""
    if labeller.data.normalize != "none":
        given.lines = map(partial(unicodedata.normalize, _FORMS[labeller.data.normalize]), given.lines)
    answer: Predict = resolve_name(TASKS[labeller.tokenizer.task].predict)
    return answer(labeller, given)


def _lines_of_files(text: CombinedSource, *, first: int, end_sentences: bool) -> Iterator[str]:
    """Yields the lines of each file from its first one on, counted from 0.

    Args:
        end_sentences: whether a blank line goes between two files where there is none.
    """
    line = ""
    for part in text.parts:
        if end_sentences and line.strip():
            yield ""
        for line in islice(split_lines(replace(text, parts=(part,)).chunks()), first, None):
            yield line


def _lines_of_stream(stream: BinaryIO) -> Iterator[str]:
    """Yields the lines of a stream of UTF-8 as they arrive.

    Raises:
        DataError: a line is not UTF-8.
    """
    for number, line in enumerate(iter(stream.readline, b""), start=1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8").removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError as error:
            raise DataError(f"Line {number:,} of standard input is not UTF-8 (at byte {error.start}).") from None
