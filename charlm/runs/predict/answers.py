"""A text for each line."""

import math
from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from charlm.data.tokenizers.targets import TargetTokenizer
from charlm.generation.beam import Hypothesis, search
from charlm.models.transducing import TransducingNetwork
from charlm.runs.predict.answer import Answer, Given
from charlm.runs.predict.lines import given_texts
from charlm.runs.stored.labelling import Labeller


def predict_answers(labeller: Labeller, given: Given) -> Iterator[Answer]:
    """Yields the answer to each line, as `Predict` says; a text that stands beside it is not read.

    Raises:
        DataError: a line is longer than the run allows.
    """
    tokenizer = labeller.tokenizer
    assert isinstance(tokenizer, TargetTokenizer)
    number = given.num_left_out
    while batch := list(islice(given.lines, given.at_once)):
        texts = given_texts(batch, labeller.data, name=given.name, first=number)
        number += len(batch)
        found = iter(_transduce(labeller, given.encode([text for text in texts if text], tokenizer)))
        for text in texts:
            if not text:
                yield Answer("", values={"text": "", "answer": None})
                continue
            named = [(tokenizer.name_numbers(each.labels), math.exp(each.log_probability)) for each in next(found)]
            values = [{"answer": answer, "probability": share} for answer, share in named]
            yield Answer(named[0][0], dict(named), {"text": text, **values[0], "answers": values})


def _transduce(labeller: Labeller, inputs: Sequence[NDArray[np.int64]]) -> list[list[Hypothesis]]:
    """Returns the best answers to each text, as `search` does; as many as the labeller's beam."""
    tokenizer, model = labeller.tokenizer, labeller.loaded.model
    assert isinstance(model, TransducingNetwork)
    return search(
        model,
        inputs,
        first_label=tokenizer.first_label,
        beam=labeller.beam,
        device=labeller.loaded.device,
    )
