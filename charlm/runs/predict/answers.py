"""A text for each line."""

import math
from collections.abc import Iterator
from itertools import islice

from charlm.data.tokenizers.targets import TargetTokenizer
from charlm.generation.beam import Hypothesis, search
from charlm.models.transducing import TransducingNetwork
from charlm.runs.predict.answer import Answer
from charlm.runs.predict.lines import given_texts
from charlm.runs.stored.labelling import Labeller


def predict_answers(labeller: Labeller, lines: Iterator[str], at_once: int) -> Iterator[Answer]:
    """Yields the answer to each line, as `Predict` says; a text that stands beside it is not read.

    Raises:
        DataError: a line is longer than the run allows.
    """
    tokenizer = labeller.tokenizer
    assert isinstance(tokenizer, TargetTokenizer)
    number = 0
    while batch := list(islice(lines, at_once)):
        texts = given_texts(batch, labeller.data, first=number)
        number += len(batch)
        found = iter(transduce(labeller, [text for text in texts if text]))
        for text in texts:
            if not text:
                yield Answer("", values={"text": "", "answer": None})
                continue
            named = [(tokenizer.name_numbers(each.labels), math.exp(each.log_probability)) for each in next(found)]
            values = [{"answer": answer, "probability": share} for answer, share in named]
            yield Answer(named[0][0], dict(named), {"text": text, **values[0], "answers": values})


def transduce(labeller: Labeller, texts: list[str], *, beam: int | None = None) -> list[list[Hypothesis]]:
    """Returns the best answers to each text, as `search` does; as many as the labeller's beam, unless said."""
    tokenizer, model = labeller.tokenizer, labeller.loaded.model
    assert isinstance(model, TransducingNetwork)
    return search(
        model,
        tokenizer.encode_inputs(texts),
        first_label=tokenizer.first_label,
        beam=beam or labeller.beam,
        device=labeller.loaded.device,
    )
