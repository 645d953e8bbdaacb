"""`charlm train`: a new run, or one taken up again."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, cast

import torch
from torch import Tensor

from charlm import __version__
from charlm.checkpointing.locking import locked
from charlm.checkpointing.metrics import trim_metrics
from charlm.checkpointing.run_folder import RunFolder, created_run, find_state, require_free
from charlm.config import ModelConfig, Request, RunConfig, validate
from charlm.data.corpus import EncodedCorpus, prepare_corpus
from charlm.data.inputs import open_corpus
from charlm.data.sources import text_slug
from charlm.data.tokenizers.base import Tokenizer
from charlm.data.tokenizers.recipes import extended, learnt
from charlm.errors import CharlmError, ConfigError, TrainingError, is_out_of_memory
from charlm.evaluation.baselines import count_symbols
from charlm.files.temporary import remove_leftovers
from charlm.models.base import Network
from charlm.models.build import load_weights
from charlm.models.growth import grow_vocabulary
from charlm.models.mixture import network_of
from charlm.notation import parse_forcing
from charlm.runs.corpus_of_run import reopen_corpus
from charlm.runs.count import count_to_the_end, require_countable
from charlm.runs.device import resolve_device
from charlm.runs.finish import train_to_the_end
from charlm.runs.loading import LoadedModel, load_model
from charlm.runs.mixing import Mixture, make_mixture, settle_mix
from charlm.runs.reporting import Reporter, StopRequest
from charlm.runs.result import TrainResult
from charlm.runs.seeds import Streams
from charlm.runs.settling import settle
from charlm.runs.states import is_intact, read_state
from charlm.runs.training_run import TrainingRun, build_batches, build_trainer, new_model
from charlm.runs.workspace import Workspace
from charlm.training.loop import Progress
from charlm.training.objectives import Objective, next_symbol_loss
from charlm.training.pace import Pace
from charlm.training.precision import Arithmetic, precision_elsewhere, resolve_precision
from charlm.training.scheduled_sampling import ScheduledSampling
from charlm.training.trainer import Trainer

_TRIAL_STEPS = 1_000_000_000
"""Steps that a trainer which is only timed believes it has."""

_FACTS = ("charlm", "torch", "corpus", "length", "choice", "training_seconds", "initialized_from", "mix_on_trial")
"""What stays the same over a run and is stored in its checkpoints."""

_FREE_ON_FINE_TUNING = {"mix", "dropout", "embedding_dropout", "layer_dropout", "output_dropout", "dropout_kind"}


def start(
    request: Request,
    workspace: Workspace,
    reporter: Reporter,
    stop: StopRequest,
    *,
    init_from: str | None = None,
    stdin: BinaryIO | None = None,
    started: float | None = None,
) -> TrainResult:
    """Trains a new run and returns what it came to.

    Args:
        started: when the command began, by `time.monotonic`: a time budget counts from there.  [default: now]
        init_from: a run whose weights and tokenizer to start from.
        stdin: where the text '-' is read from.

    Raises:
        CharlmError: something that the user can mend; nothing that existed is touched.
    """
    started = time.monotonic() if started is None else started
    config = request.config
    device = resolve_device(config.run.device)
    precision = resolve_precision(config.run.precision, device)
    require_free(workspace.checkpoints, config.run.name)
    if config.model.mixed_order is not None and config.training.teacher_forcing != "always":
        raise ConfigError("--mix needs --teacher-forcing always: its gate learns on the true text.")
    if config.model.model == "ngram":
        require_countable(request)
        if init_from is not None:
            raise ConfigError("--init-from is for networks; an n-gram model is counted anew from each text.")
    origin = None if init_from is None else load_model(init_from, workspace, device=torch.device("cpu"))
    if origin is not None:
        request = _adopt_model(origin, request)
        config = request.config
    text = open_corpus(config.data, folder=workspace.data, stdin=stdin)
    for note in text.notes:
        reporter.note(note)
    records = config.data.records == "lines"
    corpus = prepare_corpus(
        text,
        folder=workspace.data,
        recipe=learnt(config.tokenizer, records=records) if origin is None else extended(origin.tokenizer),
        records=records,
        progress=reporter.progress,
    )
    symbol_counts = count_symbols(corpus.train, vocabulary_size=corpus.tokenizer.vocabulary_size)
    facts = {
        "charlm": __version__,
        "torch": torch.__version__,
        "corpus": {"label": corpus.label, "digest": corpus.digest, "key": corpus.key, "split": corpus.split},
        "initialized_from": None if origin is None else origin.name,
    }
    make_folder = partial(
        created_run, workspace.checkpoints, name=config.run.name, default_name=text_slug(corpus.label)
    )
    if config.model.model == "ngram":
        return count_to_the_end(
            config, corpus, make_folder, facts=facts, symbol_counts=symbol_counts, reporter=reporter
        )
    weights = None
    if origin is not None:
        weights = _grown_weights(origin, corpus.tokenizer, config)
        num_old = origin.tokenizer.vocabulary_size
        covered = 1 - symbol_counts[num_old:].sum() / max(1, symbol_counts.sum())
        reporter.note(
            f"Starting from '{origin.name}': its {num_old:,} symbols cover {covered:.3%} of the text, "
            f"{corpus.tokenizer.vocabulary_size - num_old:,} new ones were added."
        )
    with _out_of_memory_explained():
        config, on_trial = settle_mix(config, corpus)
        if origin is not None and origin.config.model.mixed_order and not config.model.mixed_order:
            reporter.note(f"Of '{origin.name}', the network alone is taken; --mix mixes n-grams of this text with it.")
        config, mixture = make_mixture(config, corpus, on_trial=on_trial)

        def assemble(config: RunConfig, *, total_steps: int) -> Trainer:
            model = _new_model(config, corpus, mixture)
            if weights is not None:
                load_weights(network_of(model), weights, source="the run to start from")
            return build_trainer(
                config,
                build_batches(corpus, config),
                model,
                total_steps=total_steps,
                precision=precision,
                device=device,
                objective=_objective(config, mixture),
            )

        settled = settle(
            request.with_config(config), corpus, partial(assemble, total_steps=_TRIAL_STEPS), started=started
        )
        for warning in settled.warnings:
            reporter.warn(warning)
        config = settled.config
        assert config.training.steps is not None
        trainer = assemble(config, total_steps=config.training.steps)
        # Made last: until here, whatever goes wrong leaves nothing behind.
        with make_folder() as folder:
            settings = config.run.model_copy(update={"name": folder.name, "precision": precision})
            config = config.model_copy(update={"run": settings})
            run = TrainingRun(
                folder,
                config,
                corpus,
                trainer,
                Progress(),
                facts=facts
                | {"length": settled.length, "choice": settled.choice, "training_seconds": settled.seconds}
                | {"mix_on_trial": on_trial},
                symbol_counts=symbol_counts,
                reporter=reporter,
                stop=stop,
            )
            folder.write_tokenizer(corpus.tokenizer.to_json())
            run.save()
            run.write_config()
            return train_to_the_end(run)


def resume(
    run: str,
    workspace: Workspace,
    reporter: Reporter,
    stop: StopRequest,
    *,
    overrides: Mapping[str, Any] | None = None,
) -> TrainResult:
    """Goes on with a run from its last checkpoint, exactly where it stopped.

    Args:
        overrides: new values for `steps`, `epochs` or `budget` (the length of the whole training) and `device`.

    Raises:
        CharlmError: there is no such run, its checkpoint is damaged, or its text has changed.
    """
    folder, path = find_state(run, workspace.checkpoints)
    if _is_counted(folder):
        raise ConfigError(f"Run '{folder.name}' is finished: its text was counted in one go.")
    with locked(folder.path):
        remove_leftovers(folder.path)
        return _go_on(folder, path, workspace, reporter, stop, overrides=overrides)


def _is_counted(folder: RunFolder) -> bool:
    try:
        return folder.read_config().model.model == "ngram"
    except CharlmError:
        return False  # Damaged; the state has the settings, too, and they are written again.


def _go_on(
    folder: RunFolder,
    path: Path,
    workspace: Workspace,
    reporter: Reporter,
    stop: StopRequest,
    *,
    overrides: Mapping[str, Any] | None,
) -> TrainResult:
    state = read_state(folder, path)
    checkpoint, config, progress = state.checkpoint, state.config, state.progress
    given = {name: value for name, value in (overrides or {}).items() if value is not None}
    device = resolve_device(given.pop("device", config.run.device))
    corpus = reopen_corpus(config, checkpoint.values, state.tokenizer, workspace, reporter)
    facts = {name: checkpoint.values.get(name) for name in _FACTS}
    with _out_of_memory_explained():
        config, mixture = make_mixture(config, corpus, on_trial=bool(facts["mix_on_trial"]))

        def assemble(config: RunConfig, *, total_steps: int) -> Trainer:
            model = _new_model(config, corpus, mixture)
            load_weights(model, checkpoint.section("model"), source=str(path))
            return build_trainer(
                config,
                build_batches(corpus, config),
                model,
                total_steps=total_steps,
                precision=precision_elsewhere(cast(Arithmetic, config.run.precision), device),
                device=device,
                objective=_objective(config, mixture),
            )

        if given:
            lengths = config.training.model_dump() | {"steps": None, "epochs": None, "budget": None} | given
            config = config.model_copy(
                update={"training": validate(type(config.training), lengths, source="command line")}
            )
            settled = settle(
                Request(config, frozenset(ModelConfig.model_fields) | frozenset(lengths)),
                corpus,
                partial(assemble, total_steps=_TRIAL_STEPS),
                started=time.monotonic(),
            )
            config = settled.config
            facts |= {"length": settled.length, "training_seconds": settled.seconds}
        total_steps = config.training.steps
        assert total_steps is not None
        done = state.step
        if done >= total_steps and given:
            raise ConfigError(
                f"Run '{folder.name}' has done {done} steps already, and the length now asked for is {total_steps}; "
                f"ask for more, such as --steps {2 * done}."
            )
        if done >= total_steps:
            raise ConfigError(
                f"Run '{folder.name}' is finished: it has done {done} of {total_steps} steps. "
                f"Train it longer with: charlm train --resume {folder.name} --steps {2 * done}"
            )
        trainer = assemble(config, total_steps=total_steps)
        state.restore(trainer)
        if given:
            trainer.pace = Pace(total_steps)
        _mend(folder, trainer.step, progress, reporter)
        training_run = TrainingRun(
            folder,
            config,
            corpus,
            trainer,
            progress,
            facts=facts,
            symbol_counts=checkpoint.tensors["corpus.symbol_counts"].numpy(),
            reporter=reporter,
            stop=stop,
            saved_step=trainer.step if path == folder.last else None,
        )
        # Written even as it was: planned anew, it may be ahead of the state.
        training_run.write_config()
        return train_to_the_end(training_run)


def _mend(folder: RunFolder, step: int, progress: Progress, reporter: Reporter) -> None:
    """Makes the files beside a state, after so many steps, what they were when it was written."""
    num_damaged = trim_metrics(folder.metrics, step)
    if num_damaged:
        reporter.warn(f"{num_damaged} damaged lines of '{folder.metrics}' were left out.")
    if progress.best_step is not None and not is_intact(folder.best):
        reporter.warn(f"'{folder.best}' is damaged or gone; the next evaluation's model takes its place.")
        progress.best_nats = progress.best_step = None


def _objective(config: RunConfig, mixture: Mixture | None) -> Objective:
    forcing = parse_forcing(config.training.teacher_forcing)
    if forcing.kind != "always":
        return ScheduledSampling(forcing)
    return next_symbol_loss if mixture is None else mixture.objective


def _new_model(config: RunConfig, corpus: EncodedCorpus, mixture: Mixture | None) -> Network:
    ngrams = None if mixture is None else mixture.ngrams
    return new_model(config, vocabulary_size=corpus.tokenizer.vocabulary_size, ngrams=ngrams)


def _adopt_model(origin: LoadedModel, request: Request) -> Request:
    """Returns the request with the origin's network and tokenizer; dropout and mix may be set anew."""
    config, asked = request.config, request.asked
    if origin.config.model.model == "ngram":
        raise ConfigError(f"'{origin.name}' is an n-gram model, which has no weights to start from.")
    for section, own, its in (
        ("model", config.model, origin.config.model),
        ("tokenizer", config.tokenizer, origin.config.tokenizer),
    ):
        for name in type(own).model_fields.keys() & asked - _FREE_ON_FINE_TUNING:
            if getattr(own, name) != getattr(its, name):
                raise ConfigError(
                    f"--{name.replace('_', '-')} {getattr(own, name)} is not the {section} of '{origin.name}' "
                    f"({getattr(its, name)}), whose weights are to be used; leave it out."
                )
    if config.data.records != origin.config.data.records:
        raise ConfigError(
            f"--records {config.data.records} is not what '{origin.name}' was trained with "
            f"({origin.config.data.records}); use the same."
        )
    kept = {name: getattr(config.model, name) for name in (asked & _FREE_ON_FINE_TUNING) | {"mix"}}
    model = origin.config.model.model_copy(update=kept)
    adopted = config.model_copy(update={"model": model, "tokenizer": origin.config.tokenizer})
    return Request(adopted, asked | frozenset(ModelConfig.model_fields))


def _grown_weights(origin: LoadedModel, tokenizer: Tokenizer, config: RunConfig) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(Streams.from_seed(config.run.seed).weights)
    return grow_vocabulary(
        network_of(origin.model).state_dict(), vocabulary_size=tokenizer.vocabulary_size, generator=generator
    )


@contextmanager
def _out_of_memory_explained() -> Iterator[None]:
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise TrainingError(_OUT_OF_MEMORY) from error


_OUT_OF_MEMORY = (
    "Out of memory; every checkpoint written so far is kept. "
    "Lower --batch-size, --sequence-length or --hidden-size, or raise --accumulation."
)
