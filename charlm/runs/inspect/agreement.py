"""`charlm inspect agreement`: which cells remember whether the subject was one or many."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from charlm.config import AgreementConfig, CellName, RunConfig
from charlm.data.tokenfile import TokenFile
from charlm.data.tokenizers.char import CharTokenizer
from charlm.evaluation.agreement import Agreement, Sentence, measure_agreement, sentences
from charlm.runs.device import resolve_device
from charlm.runs.inspect.cells import cell_configs, take_steps
from charlm.runs.reporting import Reporter
from charlm.runs.train.setup import TrainingSetup
from charlm.training.precision import resolve_precision


@dataclass(frozen=True)
class CellAgreement:
    """One cell's answers, by length of the clause."""

    cell: CellName
    answers: tuple[Agreement, ...]


def inspect_agreement(settings: AgreementConfig, config: RunConfig, reporter: Reporter) -> list[CellAgreement]:
    """Trains each cell on generated sentences, and asks it about others.

    All cells have the same sizes, read the same text, and answer the same questions; nothing is kept. No
    question is a sentence of the training text, as long as there are others: without a clause there are few.

    Raises:
        ConfigError: a cell is not known.
    """
    configs = cell_configs(settings.cells, config, steps=settings.train_steps)
    rng = np.random.default_rng(config.run.seed)
    trained = [each.text for each in islice(sentences(rng, longest=settings.longest), settings.sentences)]
    questions = [
        _new_sentences(rng, settings, things=things, known=set(trained)) for things in range(settings.longest + 1)
    ]
    text = "".join(trained)
    asked = "".join(f"\n{each.before}{each.verb}{each.other}" for group in questions for each in group)
    tokenizer = CharTokenizer(sorted(set(text) | set(asked)))
    device = resolve_device(config.run.device)
    precision = resolve_precision(config.run.precision, device, config.model)
    setup = TrainingSetup(TokenFile(tokenizer.encode(text)), tokenizer, device, precision)
    results = []
    for cell, chosen in configs:
        trainer = setup.build(chosen)
        take_steps(trainer, settings.train_steps, reporter, label=f"training {cell}")
        trainer.model.eval()
        with reporter.progress(f"asking {cell}", len(questions)) as advance:
            answers = []
            for group in questions:
                answers.append(measure_agreement(trainer.model, tokenizer, group, device=device))
                advance(1)
        results.append(CellAgreement(cell, tuple(answers)))
    return results


def _new_sentences(
    rng: np.random.Generator, settings: AgreementConfig, *, things: int, known: set[str]
) -> Sequence[Sentence]:
    drawn = list(islice(sentences(rng, longest=things, things=things), 4 * settings.questions))
    return sorted(drawn, key=lambda each: each.text in known)[: settings.questions]
