"""How well texts are predicted on their condition, and how well the condition is found by it."""

import math
from typing import Any

import numpy as np

from charlm.evaluation.accuracy import score_labels
from charlm.evaluation.resampling import interval_of, quotient
from charlm.runs.evaluate.labels import measure_simple
from charlm.runs.evaluate.measured import OWN, Examined, Measured, summarise
from charlm.runs.stored.labelling import joint_scores


def measure_conditions(examined: Examined) -> Measured:
    """Returns, as `Measure` says, the nats per character with and without the condition, and the condition by Bayes.

    Without it, a text's probability is the sum over all conditions. Ends of texts count as characters. Texts whose
    condition was never learnt have no such numbers; they count as wrong.
    """
    labeller, tokenizer = examined.labeller, examined.labeller.tokenizer
    true = [each.example.target for each in examined.examples]
    joint = joint_scores(labeller, [each.inputs for each in examined.examples], examined.advance)
    score = score_labels(true, [tokenizer.labels[number] for number in joint.argmax(axis=1).tolist()])
    numbers = np.array([tokenizer.number_of(label) for label in true])
    known = np.flatnonzero(numbers < len(tokenizer.labels))
    characters = np.array([len(examined.examples[place].example.input) + 1 for place in known.tolist()])
    counts = tokenizer.label_counts(labeller.loaded.symbol_counts)[:-1] + 1.0
    priors = np.log(counts / counts.sum())
    own: dict[str, Any] = summarise(score)
    for name, nats in (
        ("nats_per_character", priors[numbers[known]] - joint[known, numbers[known]]),
        ("nats_per_character_without_condition", -np.logaddexp.reduce(joint[known], axis=1)),
    ):
        own[name] = float(nats.sum() / characters.sum()) if len(known) else math.nan
        if len(known):
            own[f"{name}_interval"] = list(interval_of(np.stack([nats, characters], axis=1).tolist(), quotient))
    unknown = tuple(sorted(set(true) - set(tokenizer.labels)))
    return Measured({OWN: own, **measure_simple(examined)}, score.rows, score.confusion, unknown)
