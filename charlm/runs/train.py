"""`charlm train`: a new run, or one taken up again."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, BinaryIO, Literal, cast

import torch
from torch import Tensor

from charlm import __version__
from charlm.checkpointing.atomic import remove_leftovers
from charlm.checkpointing.checkpoint import Checkpoint, read_checkpoint
from charlm.checkpointing.metrics import trim_metrics
from charlm.checkpointing.run_folder import RunFolder, create_run, discarded_on_failure, find_run, require_free
from charlm.config import ModelConfig, RunConfig, validate
from charlm.data.corpus import prepare_corpus
from charlm.data.inputs import open_corpus
from charlm.data.sources import text_slug
from charlm.data.tokenizers.base import Tokenizer
from charlm.data.tokenizers.build import from_json
from charlm.data.tokenizers.recipes import extended, learnt
from charlm.errors import CheckpointError, ConfigError, TrainingError
from charlm.evaluation.baselines import count_symbols
from charlm.models.growth import grow_vocabulary
from charlm.runs.corpus_of_run import reopen_corpus
from charlm.runs.device import resolve_device
from charlm.runs.finish import TrainResult, train_to_the_end
from charlm.runs.length import fix_length
from charlm.runs.loading import LoadedModel, load_model
from charlm.runs.reporting import Reporter, StopRequest
from charlm.runs.training_run import Streams, TrainingRun, build_batches, build_trainer
from charlm.runs.workspace import Workspace
from charlm.training.defaults import default_dropout, default_learning_rate
from charlm.training.loop import Progress
from charlm.training.precision import resolve_precision

_TRIAL_STEPS = 1_000_000_000
"""Steps that a trainer which is only timed believes it has."""

_FREE_ON_FINE_TUNING = {"dropout", "embedding_dropout", "layer_dropout", "output_dropout", "dropout_kind"}


def start(
    config: RunConfig,
    workspace: Workspace,
    reporter: Reporter,
    stop: StopRequest,
    *,
    init_from: str | None = None,
    stdin: BinaryIO | None = None,
) -> TrainResult:
    """Trains a new run and returns what it came to.

    Args:
        init_from: a run whose weights and tokenizer to start from.
        stdin: where the text '-' is read from.

    Raises:
        CharlmError: something that the user can mend; nothing that existed is touched.
    """
    device = resolve_device(config.run.device)
    precision = resolve_precision(config.run.precision, device)
    require_free(workspace.checkpoints, config.run.name)
    origin = None if init_from is None else load_model(init_from, workspace, device=torch.device("cpu"))
    if origin is not None:
        config = _adopt_model(origin, config)
    config = _with_defaults_of_width(config)
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
    weights = None
    if origin is not None:
        weights = _grown_weights(origin, corpus.tokenizer, config)
        num_old = origin.tokenizer.vocabulary_size
        covered = 1 - symbol_counts[num_old:].sum() / max(1, symbol_counts.sum())
        reporter.note(
            f"Starting from '{origin.name}': its {num_old:,} symbols cover {covered:.3%} of the text, "
            f"{corpus.tokenizer.vocabulary_size - num_old:,} new ones were added."
        )
    batches = build_batches(corpus, config)
    with _out_of_memory_explained():
        assemble = partial(
            build_trainer,
            batches=batches,
            vocabulary_size=corpus.tokenizer.vocabulary_size,
            weights=weights,
            precision=precision,
            device=device,
        )
        length = fix_length(
            config.training,
            batches,
            corpus,
            partial(assemble, config, total_steps=_TRIAL_STEPS),
            threads=config.run.threads,
        )
        training = length.settings
        assert training.steps is not None
        if length.warning is not None:
            reporter.warn(length.warning)
        model = _with_default_of_length(config.model, epochs=training.steps / batches.windows_per_epoch)
        config = config.model_copy(update={"model": model, "training": training})
        trainer = assemble(config, total_steps=training.steps)
        # Made last: until here, whatever goes wrong leaves nothing behind.
        folder = create_run(workspace.checkpoints, name=config.run.name, default_name=text_slug(corpus.label))
        settings = config.run.model_copy(
            update={"name": folder.name, "precision": precision, "threads": length.threads}
        )
        config = config.model_copy(update={"run": settings})
        run = TrainingRun(
            folder,
            config,
            corpus,
            trainer,
            Progress(),
            facts={
                "charlm": __version__,
                "torch": torch.__version__,
                "corpus": {"label": corpus.label, "digest": corpus.digest, "key": corpus.key, "split": corpus.split},
                "length": length.reason,
                "initialized_from": None if origin is None else origin.name,
            },
            symbol_counts=symbol_counts,
            reporter=reporter,
            stop=stop,
        )
        with discarded_on_failure(folder):
            folder.write_tokenizer(corpus.tokenizer.to_json())
            run.save()
            folder.write_config(config, comment=f"length: {length.reason}")
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
    folder = find_run(run, workspace.checkpoints)
    remove_leftovers(folder.path)
    checkpoint = read_checkpoint(folder.last)
    config, tokenizer, progress = _stored_values(folder, checkpoint)
    given = {name: value for name, value in (overrides or {}).items() if value is not None}
    device = resolve_device(given.pop("device", config.run.device))
    corpus = reopen_corpus(config, checkpoint.values, tokenizer, workspace, reporter)
    batches = build_batches(corpus, config)
    facts = {name: checkpoint.values.get(name) for name in ("charlm", "torch", "corpus", "length", "initialized_from")}
    with _out_of_memory_explained():
        assemble = partial(
            build_trainer,
            batches=batches,
            vocabulary_size=tokenizer.vocabulary_size,
            weights=checkpoint.section("model"),
            precision=cast(Literal["fp32", "bf16"], config.run.precision),
            device=device,
        )
        if given:
            asked = config.training.model_dump() | {"steps": None, "epochs": None, "budget": None} | given
            asked_training = validate(type(config.training), asked, source="command line")
            length = fix_length(
                asked_training,
                batches,
                corpus,
                partial(assemble, config, total_steps=_TRIAL_STEPS),
                threads=config.run.threads,
            )
            config = config.model_copy(update={"training": length.settings})
            facts["length"] = length.reason
        total_steps = config.training.steps
        assert total_steps is not None
        done = checkpoint.values["step"]
        if done >= total_steps:
            raise ConfigError(
                f"Run '{folder.name}' is finished: it has done {done} of {total_steps} steps. "
                f"Train it longer with: charlm train --resume {run} --steps {2 * done}"
            )
        trainer = assemble(config, total_steps=total_steps)
        trainer.restore(
            {section: checkpoint.section(section) for section in ("optimizer", "average", "state", "rng")},
            checkpoint.values["trainer"],
        )
        if given:
            folder.write_config(config, comment=f"length: {facts['length']}")
        trim_metrics(folder.metrics, trainer.step)
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
        )
        return train_to_the_end(training_run)


def _with_defaults_of_width(config: RunConfig) -> RunConfig:
    """Returns the configuration with the defaults that follow from the width filled in."""
    width = config.model.hidden_size
    model = config.model.model_copy(update={"embedding_size": config.model.embedding_size or width})
    rate = config.training.learning_rate or default_learning_rate(width)
    training = config.training.model_copy(update={"learning_rate": rate})
    return config.model_copy(update={"model": model, "training": training})


def _with_default_of_length(model: ModelConfig, *, epochs: float) -> ModelConfig:
    """Returns the model's configuration with the default that follows from the length filled in."""
    return model if model.dropout is not None else model.model_copy(update={"dropout": default_dropout(epochs)})


def _adopt_model(origin: LoadedModel, config: RunConfig) -> RunConfig:
    """Returns the configuration with the origin's network and tokenizer; dropout may be set anew."""
    model = config.model
    for section, own, its, free in (
        ("model", config.model, origin.config.model, _FREE_ON_FINE_TUNING),
        ("tokenizer", config.tokenizer, origin.config.tokenizer, set[str]()),
    ):
        for name in own.model_fields_set - free:
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
    dropouts = {name: getattr(model, name) for name in model.model_fields_set & _FREE_ON_FINE_TUNING}
    return config.model_copy(
        update={"model": origin.config.model.model_copy(update=dropouts), "tokenizer": origin.config.tokenizer}
    )


def _grown_weights(origin: LoadedModel, tokenizer: Tokenizer, config: RunConfig) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(Streams.from_seed(config.run.seed).weights)
    return grow_vocabulary(origin.model.state_dict(), vocabulary_size=tokenizer.vocabulary_size, generator=generator)


def _stored_values(folder: RunFolder, checkpoint: Checkpoint) -> tuple[RunConfig, Tokenizer, Progress]:
    values = checkpoint.values
    try:
        config = validate(RunConfig, values["config"], source=f"'{folder.last}'")
        return config, from_json(values["tokenizer"]), Progress(**values["progress"])
    except (KeyError, TypeError) as error:
        raise CheckpointError(f"Checkpoint '{folder.last}' cannot be resumed: it lacks {error}.") from None


@contextmanager
def _out_of_memory_explained() -> Iterator[None]:
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise TrainingError(_OUT_OF_MEMORY) from error
    except RuntimeError as error:
        # torch's CPU allocator has no error class of its own.
        if "allocate memory" not in str(error) and "not enough memory" not in str(error):
            raise
        raise TrainingError(_OUT_OF_MEMORY) from error


_OUT_OF_MEMORY = (
    "Out of memory; every checkpoint written so far is kept. "
    "Lower --batch-size, --sequence-length or --hidden-size, or raise --accumulation."
)
