"""From the first step of a session to its result: the loop, then the scores of the best model."""

import torch

from charlm.checkpointing.checkpoint import read_checkpoint
from charlm.config import EvaluationConfig
from charlm.data.corpus import EncodedText
from charlm.evaluation.baselines import Baseline, score_baselines
from charlm.evaluation.score import Score
from charlm.evaluation.scorer import Mode, score_parts
from charlm.models.base import OWN
from charlm.models.mixture import NETWORK_ALONE, network_of
from charlm.models.threads import using_threads
from charlm.notation import parse_seconds
from charlm.runs.loading import LoadedModel, model_from
from charlm.runs.reporting import TrainingSummary
from charlm.runs.result import FINAL_SAMPLE_CHARACTERS, TrainResult
from charlm.runs.summary import describe_corpus, describe_machine, describe_model, describe_training
from charlm.runs.training_run import TrainingRun
from charlm.training.loop import Plan, train

EXACT_LIMIT = 1_000_000
"""Symbols up to which the final score reads one stream; a longer text is scored in warmed-up stretches."""

EXACT_SHARE = 0.01
"""So is a text longer than this share of the symbols trained on: one stream of it takes a good part of that time."""

ALWAYS_EXACT = 10_000
"""Symbols that one stream reads in a fraction of a second, however short the training was."""


def train_to_the_end(run: TrainingRun) -> TrainResult:
    """Trains under the live display, then scores the best model on what was held out.

    Raises:
        TrainingError: training could not go on; the last good checkpoint is kept.
    """
    settings = run.config.training
    plan = Plan(
        evaluations=settings.evaluations,
        patience=settings.patience,
        save_seconds=parse_seconds(settings.save_every),
        seconds=run.facts["training_seconds"],
        rollbacks=settings.rollbacks,
    )
    parameters = sum(parameter.numel() for parameter in run.trainer.parameters)
    summary = TrainingSummary(
        run=run.folder.path,
        rows=_rows(run, parameters),
        total_steps=run.trainer.pace.total_steps,
        first_step=run.trainer.step,
    )
    threads = run.config.run.threads or torch.get_num_threads()
    with run.reporter.training(summary), using_threads(threads):
        run.stop.graceful = True
        try:
            outcome = train(run.trainer, plan, run.progress, run)
        finally:
            run.stop.graceful = False
    scores: dict[str, Score] = {}
    alone = False
    modes: set[Mode] = set()
    baselines: tuple[Baseline, ...] = ()
    sample = run.last_sample
    if outcome != "interrupted":
        best = model_from(
            run.folder.best, read_checkpoint(run.folder.best), name=run.folder.name, device=run.trainer.device
        )
        for split, text in (("validation", run.corpus.valid), ("test", run.corpus.test)):
            if text is not None:
                mode = _mode(text, run)
                modes.add(mode)
                parts = _score(best, text, run, split, mode=mode)
                if split == "validation" and run.facts["mix_on_trial"]:
                    alone = parts[NETWORK_ALONE].total_nats <= parts[OWN].total_nats
                scores[split] = parts[NETWORK_ALONE if alone else OWN]
                baselines += tuple(Baseline(name, split, score) for name, score in parts.items() if name != OWN)
                baselines += score_baselines(text, run.corpus.tokenizer, run.symbol_counts, split=split)
        if alone:
            run.keep_network_alone()
            run.reporter.note("Mixing n-grams in did not help on the validation text; the network alone is kept.")
        model = network_of(best.model) if alone else best.model
        sample = run.draw_sample(model, length=FINAL_SAMPLE_CHARACTERS)
    seconds = run.progress.seconds
    return TrainResult(
        run=run.folder.path,
        name=run.folder.name,
        kind=run.config.model.model,
        parameters=parameters,
        steps=run.trainer.step,
        total_steps=run.trainer.pace.total_steps,
        seconds=seconds,
        characters_per_second=run.characters_trained / seconds if seconds else 0.0,
        validation=scores.get("validation"),
        test=scores.get("test"),
        exact="fast" not in modes,
        baselines=baselines,
        sample=sample,
        outcome=outcome,
    )


def reads_one_stream(num_symbols: int, trained_on: float) -> bool:
    """Returns whether a text of so many symbols is scored as one stream after training on so many others."""
    return num_symbols <= min(EXACT_LIMIT, max(ALWAYS_EXACT, EXACT_SHARE * trained_on))


def _mode(text: EncodedText, run: TrainingRun) -> Mode:
    if run.corpus.tokenizer.begin is not None:
        return "exact"  # Records are independent: side by side is exact for them.
    return "exact" if reads_one_stream(len(text.tokens), run.progress.targets) else "fast"


def _score(best: LoadedModel, text: EncodedText, run: TrainingRun, split: str, *, mode: Mode) -> dict[str, Score]:
    with run.reporter.progress(f"scoring {split}", len(text.tokens)) as advance:
        return score_parts(
            best.model,
            text,
            best.tokenizer,
            settings=EvaluationConfig(),
            device=run.trainer.device,
            mode=mode,
            advance=advance,
        )


def _rows(run: TrainingRun, parameters: int) -> tuple[tuple[str, str], ...]:
    trainer = run.trainer
    model = describe_model(run.config, parameters=parameters)
    rows = [
        *describe_corpus(run.corpus),
        ("model", model),
        *describe_training(run.config, trainer.batches, origin=str(run.facts["length"])),
        ("computed on", describe_machine(trainer.device, trainer.precision, threads=run.config.run.threads)),
        ("written to", str(run.folder.path)),
    ]
    if run.facts["choice"] is not None:
        rows.insert(-2, ("sizes", str(run.facts["choice"])))
    if trainer.step:
        rows.append(("going on", f"after step {trainer.step:,}"))
    return tuple(rows)
