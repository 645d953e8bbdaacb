"""`charlm predict`: what a run's model says of examples."""

from collections.abc import Iterator
from pkgutil import resolve_name
from typing import BinaryIO

from charlm.config import Device
from charlm.data.inputs import open_text
from charlm.data.tokenizers.records import split_lines
from charlm.errors import DataError
from charlm.runs.device import resolve_device
from charlm.runs.predict.answer import Answer, Predict
from charlm.runs.reporting import Reporter
from charlm.runs.stored.labelling import load_labeller
from charlm.runs.stored.workspace import Workspace
from charlm.tasks import TASKS

_AT_ONCE = 1024


def predict(
    run: str,
    text: tuple[str, ...],
    workspace: Workspace,
    reporter: Reporter,
    *,
    device: Device = "auto",
    beam: int | None = None,
    stdin: BinaryIO | None = None,
) -> Iterator[Answer]:
    """Returns the answer to each line of a text, as they are made; to standard input, line by line.

    Args:
        beam: how many answers are weighed up side by side, where a model answers with texts.
        text: files, as in `DataConfig.corpus`; ("-",) for standard input.

    Raises:
        CharlmError: there is no such run or text, or an example is longer than the run allows.
    """
    labeller = load_labeller(run, workspace, device=resolve_device(device), command="predict", beam=beam)
    answer: Predict = resolve_name(TASKS[labeller.tokenizer.task].predict)
    if text == ("-",) and stdin is not None:
        return answer(labeller, _lines_of_stream(stdin), 1)
    plain = labeller.data.model_copy(update={"task": None})
    source, notes = open_text(text, data=plain, folder=workspace.data, stdin=stdin)
    for note in notes:
        reporter.note(note)
    return answer(labeller, split_lines(source.chunks()), _AT_ONCE)


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
