"""`charlm train --resume`: a run taken up again, exactly where it stopped."""

from collections.abc import Mapping
from pathlib import Path
from shlex import quote
from typing import Any, cast

from charlm.checkpointing.metrics import trim_metrics
from charlm.checkpointing.run_folder import RunFolder, find_state
from charlm.config import Request, RunConfig, asked_in, validate
from charlm.distributed.world import ALONE, World
from charlm.errors import CharlmError, ConfigError, memory_errors_explained
from charlm.models.build import load_weights
from charlm.notation import counted
from charlm.runs.device import resolve_device
from charlm.runs.reporting import Reporter, StopRequest
from charlm.runs.stored.corpus import reopen_corpus
from charlm.runs.stored.record import SYMBOL_COUNTS, StateRecord
from charlm.runs.stored.state import is_complete, is_intact, read_state, require_one_run
from charlm.runs.stored.workspace import Workspace
from charlm.runs.train.finish import train_to_the_end
from charlm.runs.train.mixing import make_mixture
from charlm.runs.train.resolve import resolve
from charlm.runs.train.result import TrainResult
from charlm.runs.train.session import TrainingSession
from charlm.runs.train.setup import TrainingSetup
from charlm.runs.train.together import (
    RUN,
    first_before_others,
    held_by_first,
    require_one_state,
    require_same_resumption,
    require_same_text,
)
from charlm.training.planning import suggested_steps
from charlm.training.precision import Arithmetic, precision_on_resuming

_LENGTHS = {"steps": None, "epochs": None, "budget": None}


def resume(
    run: str,
    workspace: Workspace,
    reporter: Reporter,
    stop: StopRequest,
    *,
    overrides: Mapping[str, Any] | None = None,
    world: World = ALONE,
) -> TrainResult:
    """Goes on with a run from its last checkpoint, exactly where it stopped.

    Args:
        overrides: new values for `steps`, `epochs` or `budget` (the length of the whole training) and `device`.
        world: the processes that train the run together, as many as one likes.

    Raises:
        CharlmError: there is no such run, its checkpoint is damaged, or its text has changed.
    """
    require_same_resumption(world, run, overrides or {})
    path = Path(world.by_first(lambda: str(_find(run, workspace)[1])))
    with held_by_first(world, path.parent), memory_errors_explained():
        require_one_state(world, path)
        folder, path = _find(run, workspace)
        state = read_state(folder, path)
        record = state.record
        require_one_run(folder, path, record)
        given = dict(overrides or {})
        device = world.device(resolve_device(given.pop("device", record.config.run.device)))
        if not given and is_complete(folder, record):
            raise ConfigError(_finished(folder, record))
        with first_before_others(world):
            corpus = reopen_corpus(record, workspace, reporter)
        require_same_text(world, corpus)
        with reporter.status("counting n-grams"):
            config, mixture = make_mixture(record.config, corpus, on_trial=record.plan.mix_on_trial, world=world)
        if mixture is not None:
            state.require_contexts_of(mixture.ngrams)
        setup = TrainingSetup(
            corpus.train.tokens,
            corpus.tokenizer,
            device,
            precision_on_resuming(cast(Arithmetic, config.run.precision), device, config.model),
            mixture,
            lambda model: load_weights(model, state.weights, source=str(path)),
            is_tuned=record.provenance.initialized_from is not None and corpus.tokenizer.outputs is not None,
            world=world,
        )
        plan = record.plan
        if given:
            config, plan = resolve(_longer(config, given), corpus, setup, reporter, started=world.clock())
        # Asked for or not, the groups of lanes are a setting of the run by now.
        plan = plan.model_copy(update={"may_share": plan.seconds is not None and record.plan.may_share})
        trainer = setup.build(config, may_share=plan.may_share)
        pace = trainer.pace
        if given and record.step >= pace.total_steps:
            raise ConfigError(
                f"Run '{folder.name}' has done {counted(record.step, 'step')} already, and the length now asked for is "
                f"{pace.total_steps}; ask for more, such as --steps {suggested_steps(record.step)}."
            )
        state.restore(trainer)
        if given:
            trainer.pace = pace
            record.progress.stale = 0
        metrics_digest = world.by_first(lambda: _mend_metrics(folder, record, reporter))
        if record.progress.best_step is not None and world.by_first(lambda: _damage(folder.best)):
            reporter.warn(f"'{folder.best}' is damaged or gone; the next evaluation's model takes its place.")
            record.progress.best_nats = record.progress.best_step = None
        session = TrainingSession(
            folder.pinned(),
            config,
            corpus,
            trainer,
            record.progress,
            provenance=record.provenance,
            plan=plan.model_copy(
                update={
                    "sizes": record.plan.sizes,
                    "mix_on_trial": record.plan.mix_on_trial,
                    # The best loss so far is of this share; that of another could not be compared with it.
                    "evaluated_share": record.plan.evaluated_share,
                    "is_judged": False,
                    "stores_scores": True,
                }
            ),
            symbol_counts=state.tensors[SYMBOL_COUNTS].numpy(),
            reporter=reporter,
            stop=stop,
            metrics_digest=metrics_digest,
            saved_step=trainer.step if path == folder.last else None,
        )
        # Written even as it was: planned anew, it may be ahead of the state.
        session.write_config()
        world.remember(RUN, str(folder.path))
        return train_to_the_end(session)


def _find(run: str, workspace: Workspace) -> tuple[RunFolder, Path]:
    folder, path = find_state(run, workspace.checkpoints)
    if _is_counted(folder):
        raise ConfigError(f"Run '{folder.name}' is finished: its text was counted in one go.")
    return folder, path


def _is_counted(folder: RunFolder) -> bool:
    try:
        return folder.read_config().model.model == "ngram"
    except CharlmError:
        return False  # Damaged; the state has the settings, too, and they are written again.


def _longer(config: RunConfig, given: dict[str, Any]) -> Request:
    """Returns the request for another length; all other settings of the run count as asked for."""
    training = validate(type(config.training), config.training.model_dump() | _LENGTHS | given, source="The new length")
    longer = config.model_copy(update={"training": training})
    return Request(longer, asked_in(longer.model_dump()))


def _finished(folder: RunFolder, record: StateRecord) -> str:
    """Returns a sentence on how a run has ended, and how it is trained longer."""
    how = (
        f"it stopped early, after {counted(record.progress.stale, 'evaluation')} without improvement"
        if record.stopped_early
        else f"it has done {record.step:,} of {counted(record.total_steps, 'step')}"
    )
    return (
        f"Run '{folder.name}' is finished: {how}. "
        f"Train it longer with: charlm train --resume {quote(folder.name)} "
        f"--steps {suggested_steps(record.step)}"
    )


def _mend_metrics(folder: RunFolder, record: StateRecord, reporter: Reporter) -> str:
    """Makes the metrics beside a state what they were when it was written, and returns their digest."""
    digest, num_damaged = trim_metrics(folder.metrics, record.step)
    if num_damaged:
        reporter.warn(f"{num_damaged} damaged lines of '{folder.metrics}' were left out.")
    elif record.metrics not in (None, digest):
        reporter.warn(f"Lines of '{folder.metrics}' were changed or removed; those that are there are kept.")
    return digest


def _damage(path: Path) -> str:
    return "" if is_intact(path) else "damaged"
