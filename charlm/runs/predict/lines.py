"""A label for each line."""

from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np

from charlm.config import DataConfig
from charlm.data.examples.fields import given_text
from charlm.errors import DataError
from charlm.runs.predict.answer import Answer, Given
from charlm.runs.stored.labelling import Labeller


def predict_lines(labeller: Labeller, given: Given) -> Iterator[Answer]:
    """Yields the answer to each line, as `Predict` says; a label that stands beside a text is not read.

    Raises:
        DataError: a line is longer than the run allows.
    """
    labels, number = labeller.tokenizer.labels, given.num_left_out
    while batch := list(islice(given.lines, given.at_once)):
        texts = given_texts(batch, labeller.data, name=given.name, first=number)
        number += len(batch)
        inputs = given.encode([text for text in texts if text], labeller.tokenizer)
        known = iter(labeller.log_probabilities(inputs))
        for text in texts:
            if not text:
                yield Answer("", values={"text": "", "label": None})
                continue
            probabilities = np.exp(next(known)[0].astype(np.float64))
            order = np.argsort(-probabilities, kind="stable").tolist()
            likeliest = {labels[index]: float(probabilities[index]) for index in order}
            label = labels[order[0]]
            yield Answer(label, likeliest, {"text": text, "label": label, "probabilities": likeliest})


def given_texts(lines: Sequence[str], data: DataConfig, *, name: str, first: int) -> list[str]:
    """Returns the input in each line.

    Args:
        name: of their text, for messages.
        first: number of lines before them.

    Raises:
        DataError: a line is longer than the run allows.
    """
    texts = [given_text(line, data) for line in lines]
    for number, text in enumerate(texts, start=first + 1):
        if len(text) > data.most_characters:
            raise DataError(
                f"'{name}', line {number:,}, has {len(text):,} characters to read, more than the --max-length "
                f"{data.most_characters:,} that the model was trained with; shorten the line."
            )
    return texts
