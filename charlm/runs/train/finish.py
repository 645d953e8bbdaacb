"""From the first step of a session to its result: the loop, then the scores of the best model."""

from dataclasses import replace
from functools import partial
from shlex import quote

import torch

from charlm.checkpointing.new_run import created_run
from charlm.checkpointing.run_folder import DisplacedError
from charlm.data.encoder import EncodedText
from charlm.errors import CheckpointError
from charlm.evaluation.joined import forgets
from charlm.evaluation.score import Score
from charlm.models.base import OWN
from charlm.models.build import count_parameters
from charlm.models.mixture import NETWORK_ALONE, MixedLanguageModel, network_of
from charlm.models.threads import using_threads
from charlm.notation import parse_seconds
from charlm.runs.describe import describe_corpus, describe_machine, describe_model, describe_training
from charlm.runs.reporting import TrainingSummary
from charlm.runs.stored.loading import build_stored
from charlm.runs.stored.model import read_model_file
from charlm.runs.train.best import store_scores
from charlm.runs.train.budget import cut_short_at
from charlm.runs.train.history import read_history
from charlm.runs.train.result import (
    FINAL_SAMPLE_CHARACTERS,
    MIXTURE,
    TrainResult,
    choose_modes,
    score_held_out,
    simpler_models,
    simplest_as_good,
)
from charlm.runs.train.session import TrainingSession
from charlm.runs.train.together import made_by_first
from charlm.tasks import unit_of
from charlm.training.loop import Outcome, Plan, train


def train_to_the_end(session: TrainingSession) -> TrainResult:
    """Trains under the live display, then scores the best model on what was held out.

    Raises:
        TrainingError: training could not go on; the last good checkpoint is kept.
    """
    parameters = sum(parameter.numel() for parameter in session.trainer.parameters)
    outcome = _train(session, parameters)
    seconds = session.progress.seconds
    result = TrainResult(
        run=session.folder.path,
        name=session.folder.name,
        kind=session.config.model.model,
        parameters=parameters,
        steps=session.trainer.step,
        total_steps=session.trainer.pace.total_steps,
        seconds=seconds,
        characters_per_second=session.characters_trained / seconds if seconds else 0.0,
        sample=session.last_sample,
        outcome=outcome,
        cut_short_at=None
        if outcome != "finished"
        else cut_short_at(session.trainer.pace, seconds=session.plan.seconds),
        are_records=session.corpus.tokenizer.begin is not None,
        unit=unit_of(session.config.data.task),
        task=session.config.data.task,
    )
    return result if outcome == "interrupted" else _score_best(session, result)


def _train(session: TrainingSession, parameters: int) -> Outcome:
    settings = session.config.training
    plan = Plan(
        evaluations=settings.evaluations,
        patience=settings.patience,
        save_seconds=parse_seconds(settings.save_every),
        seconds=None if session.seconds_left is None else session.progress.seconds + session.seconds_left,
        evaluation_seconds=session.plan.evaluation_seconds,
        most_steps=session.plan.most_steps,
        ending_seconds=session.plan.ending_seconds,
        rollbacks=settings.rollbacks,
    )
    is_mixed = session.config.model.mixed_order is not None
    summary = TrainingSummary(
        run=session.folder.path,
        rows=_rows(session, parameters),
        total_steps=session.trainer.pace.total_steps,
        first_step=session.trainer.step,
        seconds_left=session.seconds_left if _ends_by_time(session) else None,
        is_mixed=is_mixed,
        unit=unit_of(session.config.data.task),
        history=tuple(
            read_history(
                session.folder.metrics,
                session.trainer.pace,
                characters_per_symbol=session.characters_per_target,
                is_mixed=is_mixed,
            )
        ),
    )
    threads = session.config.run.threads or torch.get_num_threads()
    with session.reporter.training(summary), using_threads(threads):
        session.stop.graceful = True
        try:
            return train(session.trainer, plan, session.progress, session, clock=session.world.clock)
        except DisplacedError as error:
            raise CheckpointError(f"{error}; {_rescue(session)}") from None
        finally:
            session.stop.graceful = False


def _ends_by_time(session: TrainingSession) -> bool:
    """Returns whether the time decides how many steps there are, as far as can be seen now."""
    plan, steps = session.plan, session.trainer.pace.total_steps
    return plan.seconds is not None and (plan.most_steps is None or steps < plan.most_steps)


def _rescue(session: TrainingSession) -> str:
    """Keeps the state of a training whose folder is gone in a new one, and returns a sentence about it."""
    checkpoints, name = session.folder.path.parent, f"{session.folder.name}-rescued"
    with made_by_first(session.world, partial(created_run, checkpoints, name=None, default_name=name)) as folder:
        session.move_to(folder)
    return f"its state is kept in '{folder.path}'. Go on with: charlm train --resume {quote(folder.name)}"


def _score_best(session: TrainingSession, result: TrainResult) -> TrainResult:
    """Adds the scores of the best model; a mix on trial that did not help on the validation text is dropped."""
    stored = read_model_file(session.folder.best, name=session.folder.name, within=session.folder.path)
    model = build_stored(stored, device=session.trainer.device).model
    device, world = session.trainer.device, session.world

    def does_forget(text: EncodedText) -> bool:
        return bool(world.of_first(forgets(model, text.tokens, device=device)))

    modes = choose_modes(session.corpus, trained_on=session.progress.targets, does_forget=does_forget)
    scores = score_held_out(model, session.corpus, session.reporter, device=device, modes=modes, world=world)
    chosen, keeps_mix = OWN, None
    if session.plan.mix_on_trial and "validation" in scores:
        keeps_mix = _helps(scores["validation"])
        if not keeps_mix:
            session.reporter.note("Mixing n-grams in did not help on the validation text; the network alone is kept.")
            model = network_of(model)
            chosen = NETWORK_ALONE if NETWORK_ALONE in scores["validation"] else OWN
    final, exact = {split: parts[chosen] for split, parts in scores.items()}, "fast" not in modes.values()
    session.write(lambda: store_scores(session.folder.best, final, exact=exact))
    if keeps_mix is not None:
        session.end_trial(keeps_mix=keeps_mix)
    baselines = simpler_models(scores, session.corpus, session.symbol_counts, chosen=chosen)
    return replace(
        result,
        parameters=count_parameters(model),
        validation=final.get("validation"),
        test=final.get("test"),
        exact=exact,
        baselines=baselines,
        no_better_than=None
        if "validation" not in final
        else simplest_as_good(final["validation"], session.corpus, baselines),
        part=MIXTURE if isinstance(model, MixedLanguageModel) else chosen if chosen != OWN else None,
        sample=session.draw_sample(model, length=FINAL_SAMPLE_CHARACTERS),
    )


def _helps(parts: dict[str, Score]) -> bool:
    """Returns whether a mix helps; one that was dropped already, by a process that was killed then, did not."""
    return NETWORK_ALONE in parts and parts[OWN].total_nats < parts[NETWORK_ALONE].total_nats


def _rows(session: TrainingSession, parameters: int) -> tuple[tuple[str, str], ...]:
    trainer, config, plan = session.trainer, session.config, session.plan
    threads, processes = config.run.threads, session.world.size
    rows = [
        *describe_corpus(session.corpus),
        ("model", describe_model(config, parameters=parameters)),
        *describe_training(config, trainer.batches, origin=plan.length_in_words, is_estimate=_ends_by_time(session)),
        ("computed on", describe_machine(trainer.device, trainer.precision, threads=threads, processes=processes)),
        ("written to", str(session.folder.path)),
    ]
    if plan.sizes is not None:
        rows.insert(-2, ("sizes", plan.sizes))
    if trainer.step:
        rows.append(("going on", f"after step {trainer.step:,}"))
    return tuple(rows)
