"""`charlm predict`: what a run's model says of examples, one prediction a line."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pkgutil import resolve_name
from typing import BinaryIO

import numpy as np

from charlm.config import Device
from charlm.data.examples.example import Given
from charlm.data.inputs import open_text
from charlm.data.tokenizers.records import split_lines
from charlm.errors import DataError
from charlm.runs.device import resolve_device
from charlm.runs.reporting import Reporter
from charlm.runs.stored.labelling import Labeller, load_labeller
from charlm.runs.stored.workspace import Workspace
from charlm.tasks import TASKS

_LINES_AT_ONCE = 1024


@dataclass(frozen=True)
class Prediction:
    """What a model says of one line.

    Attributes:
        text: what was read; empty for an empty line, of which nothing is said.
        label: the likeliest label.
        probabilities: of the labels, the likeliest first.
    """

    text: str
    label: str
    probabilities: dict[str, float]


def predict(
    run: str,
    text: tuple[str, ...],
    workspace: Workspace,
    reporter: Reporter,
    *,
    device: Device = "auto",
    stdin: BinaryIO | None = None,
) -> Iterator[Prediction]:
    """Returns the prediction of each line of a text, as they are made; of standard input, line by line.

    Args:
        text: files, as in `DataConfig.corpus`; ("-",) for standard input. A label that stands beside a text is not
            read.

    Raises:
        CharlmError: there is no such run or text, or a line is longer than the run allows.
    """
    labeller = load_labeller(run, workspace, device=resolve_device(device), command="predict")
    if text == ("-",) and stdin is not None:
        return _predictions(labeller, _lines_of_stream(stdin), at_once=1)
    plain = labeller.data.model_copy(update={"task": None})
    source, notes = open_text(text, data=plain, folder=workspace.data, stdin=stdin)
    for note in notes:
        reporter.note(note)
    return _predictions(labeller, split_lines(source.chunks()), at_once=_LINES_AT_ONCE)


def _predictions(labeller: Labeller, lines: Iterable[str], *, at_once: int) -> Iterator[Prediction]:
    data, labels = labeller.data, labeller.tokenizer.labels
    assert data.task is not None
    given: Given = resolve_name(TASKS[data.task].given)
    rest, number = iter(lines), 0
    while batch := list(islice(rest, at_once)):
        texts = [given(line, data) for line in batch]
        for text in texts:
            number += 1
            if len(text) > data.most_characters:
                raise DataError(
                    f"Line {number:,} has {len(text):,} characters; the model was trained with --max-length "
                    f"{data.most_characters:,}."
                )
        inputs = labeller.tokenizer.encode_inputs([text for text in texts if text])
        known = iter(labeller.log_probabilities(inputs))
        for text in texts:
            if not text:
                yield Prediction("", "", {})
                continue
            probabilities = np.exp(next(known)[0].astype(np.float64))
            order = np.argsort(-probabilities, kind="stable")
            ranked = {labels[index]: float(probabilities[index]) for index in order}
            yield Prediction(text, labels[int(order[0])], ranked)


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
