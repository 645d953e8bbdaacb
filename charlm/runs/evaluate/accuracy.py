"""`charlm eval accuracy`: how often the labels of a run's best model are right."""

from collections.abc import Mapping
from dataclasses import dataclass
from shlex import quote
from typing import Any, BinaryIO

import numpy as np

from charlm.config import Device
from charlm.data.examples.source import ExampleSource
from charlm.data.examples.stored import stored_examples
from charlm.errors import CharlmError
from charlm.evaluation.accuracy import LabelScore, score_labels
from charlm.evaluation.naive_bayes import NaiveBayes
from charlm.runs.device import resolve_device
from charlm.runs.evaluate.perplexity import Split, opened_text
from charlm.runs.reporting import Reporter
from charlm.runs.stored.corpus import reopen_corpus
from charlm.runs.stored.labelling import Labeller, load_labeller
from charlm.runs.stored.workspace import Workspace

MOST_FREQUENT, NAIVE_BAYES = "most frequent label", "naive Bayes"


@dataclass(frozen=True)
class AccuracyResult:
    """How often labels are right, beside models without memory.

    Attributes:
        unknown_labels: labels of the examples that the model has never learnt; they are counted as wrong.
        baselines: the scores of simpler models, by name.
    """

    run: str
    text: str
    task: str
    score: LabelScore
    unknown_labels: tuple[str, ...]
    baselines: dict[str, LabelScore]


def accuracy(
    run: str,
    text: tuple[str, ...],
    workspace: Workspace,
    reporter: Reporter,
    *,
    split: Split | None = None,
    device: Device = "auto",
    reading: Mapping[str, Any] | None = None,
    stdin: BinaryIO | None = None,
) -> AccuracyResult:
    """Measures the labels that a run's best model gives; arguments as in `perplexity`.

    Raises:
        CharlmError: there is no such run, text or part, or it continues text.
    """
    labeller = load_labeller(run, workspace, device=resolve_device(device), command="eval accuracy")
    loaded, tokenizer = labeller.loaded, labeller.tokenizer
    with opened_text(
        loaded, text, workspace, reporter, command=f"accuracy {quote(run)}", split=split, reading=reading, stdin=stdin
    ) as (encoded, label, source):
        examples = list(stored_examples(encoded.tokens, tokenizer))
        true = [example.said for _, example in examples]
        if isinstance(source, ExampleSource):
            true = [example.said for example in source.examples()]  # With the names of labels that are not known.
        with reporter.progress(f"labelling {label}", len(examples)) as advance:
            known = labeller.log_probabilities([inputs for inputs, _ in examples], advance=advance)
        predicted = [tokenizer.labels[int(rows[0].argmax())] for rows in known]
        texts = [example.read for _, example in examples]
    return AccuracyResult(
        loaded.name,
        label,
        tokenizer.task,
        score_labels(true, predicted),
        tuple(sorted(set(true) - set(tokenizer.labels))),
        _baselines(labeller, texts, true, workspace, reporter),
    )


def _baselines(
    labeller: Labeller, texts: list[str], true: list[str], workspace: Workspace, reporter: Reporter
) -> dict[str, LabelScore]:
    """Returns the scores of simpler models; those that are counted only where the training text is still there."""
    tokenizer = labeller.tokenizer
    counts = labeller.loaded.symbol_counts[tokenizer.first_label : tokenizer.unknown_label]
    found = {MOST_FREQUENT: score_labels(true, [tokenizer.labels[int(np.argmax(counts))]] * len(true))}
    try:
        train = reopen_corpus(labeller.loaded.record, workspace, reporter).train
    except CharlmError as error:
        reporter.note(f"Without naive Bayes, which needs the training text: {error}")
        return found
    bayes = NaiveBayes(example for _, example in stored_examples(train.tokens, tokenizer))
    return found | {NAIVE_BAYES: score_labels(true, bayes.predict(texts))}
