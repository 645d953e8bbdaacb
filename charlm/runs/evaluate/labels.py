"""How often the label of a text is right."""

from typing import Any

import numpy as np

from charlm.evaluation.accuracy import score_labels
from charlm.evaluation.naive_bayes import NaiveBayes
from charlm.runs.evaluate.measured import OWN, Examined, Measured, summarise

MOST_FREQUENT, NAIVE_BAYES = "most frequent label", "naive Bayes"


def measure_labels(examined: Examined) -> Measured:
    """Returns the share of right labels, as `Measure` says, beside the most frequent label and naive Bayes."""
    labeller, tokenizer = examined.labeller, examined.labeller.tokenizer
    true = [each.example.target for each in examined.examples]
    known = labeller.log_probabilities([each.inputs for each in examined.examples], advance=examined.advance)
    score = score_labels(true, [tokenizer.labels[int(rows[0].argmax())] for rows in known])
    unknown = tuple(sorted(set(true) - set(tokenizer.labels)))
    return Measured({OWN: summarise(score), **measure_simple(examined)}, score.rows, score.confusion, unknown)


def measure_simple(examined: Examined) -> dict[str, dict[str, Any]]:
    """Returns the measures of models without memory, by name."""
    tokenizer = examined.labeller.tokenizer
    true = [each.example.target for each in examined.examples]
    counts = tokenizer.label_counts(examined.labeller.loaded.symbol_counts)[:-1]
    usual = tokenizer.labels[int(np.argmax(counts))]
    models = {MOST_FREQUENT: summarise(score_labels(true, [usual] * len(true)))}
    train = examined.train()
    if train is not None:
        bayes = NaiveBayes(each.example for each in train)
        models[NAIVE_BAYES] = summarise(score_labels(true, bayes.predict([e.example.input for e in examined.examples])))
    return models
