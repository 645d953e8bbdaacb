"""How often an answer is right, and how far from right it is."""

from collections import defaultdict
from typing import Any

from charlm.data.tokenizers.targets import TargetTokenizer, split_target
from charlm.evaluation.accuracy import Share
from charlm.evaluation.edits import count_edits
from charlm.evaluation.resampling import interval_of, quotient
from charlm.generation.beam import search
from charlm.models.transducing import TransducingNetwork
from charlm.runs.evaluate.measured import OWN, Examined, Measured

COPIED = "the input, copied"


def measure_answers(examined: Examined) -> Measured:
    """Returns the share of answers that are right and the edits per 100 symbols, as `Measure` says.

    Each text counts once; where several answers to it are right, the nearest counts. The copied input stands beside.
    """
    labeller, tokenizer = examined.labeller, examined.labeller.tokenizer
    model = labeller.loaded.model
    assert isinstance(tokenizer, TargetTokenizer)
    assert isinstance(model, TransducingNetwork)
    right: dict[str, list[list[str]]] = defaultdict(list)
    inputs = {}
    # As written: texts that differ in unknown characters alone are the same symbols, but not the same text.
    for written, (symbols, example) in zip(examined.inputs(), examined.examples, strict=True):
        right[written].append(split_target(example.target, tokenizer.separator))
        inputs[written] = symbols
    found = search(
        model,
        list(inputs.values()),
        first_label=tokenizer.first_label,
        beam=labeller.beam,
        device=labeller.loaded.device,
        advance=examined.advance,
    )
    answers = [[tokenizer.labels[number] for number in best[0].labels] for best in found]
    true = [right[read] for read in inputs]
    known = set(tokenizer.labels)
    unknown = tuple(sorted({symbol for answers in true for each in answers for symbol in each} - known))
    models = {OWN: _measures(true, answers), COPIED: _measures(true, [list(read) for read in inputs])}
    return Measured(models, (), {}, unknown)


def _measures(true: list[list[list[str]]], answers: list[list[str]]) -> dict[str, Any]:
    # The edits of each answer, and the length of the right one.
    nearest = [
        min((count_edits(each, answer), len(each)) for each in right)
        for right, answer in zip(true, answers, strict=True)
    ]
    share = Share(sum(edits == 0 for edits, _ in nearest), len(true))
    edits, symbols = (sum(column) for column in zip(*nearest, strict=True))
    return {
        "examples": share.trials,
        "accuracy": share.value,
        "interval": list(share.interval),
        "exact": share.value,
        "error_rate": 100 * edits / max(1, symbols),
        "error_rate_interval": [100 * each for each in interval_of(nearest, quotient)],
    }
