"""`charlm train`: a new run."""

import secrets
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from shlex import quote
from tempfile import TemporaryDirectory
from typing import BinaryIO

import numpy as np
import torch
from numpy.typing import NDArray

from charlm.checkpointing.new_run import created_run, require_free
from charlm.checkpointing.run_folder import RunFolder
from charlm.config import Request, RunConfig, with_effect
from charlm.data.corpus import EncodedCorpus
from charlm.data.sources import text_slug
from charlm.data.tokenizers.build import extended, extended_for, learnt
from charlm.distributed.world import ALONE, World
from charlm.errors import ConfigError, DataError, memory_errors_explained
from charlm.evaluation.baselines import count_symbols
from charlm.notation import Mix, counted
from charlm.runs.device import resolve_device
from charlm.runs.reporting import Reporter, StopRequest
from charlm.runs.stored.corpus import encode_corpus, note_unlike_parts
from charlm.runs.stored.loading import LoadedModel
from charlm.runs.stored.record import CorpusIdentity, Provenance, TrainingPlan
from charlm.runs.stored.workspace import Workspace
from charlm.runs.train.count import count_to_the_end
from charlm.runs.train.fine_tuning import adopt, describe_start, load_origin, weights_for
from charlm.runs.train.finish import train_to_the_end
from charlm.runs.train.mixing import choose_mix, make_mixture, with_mix
from charlm.runs.train.resolve import resolve
from charlm.runs.train.result import TrainResult
from charlm.runs.train.session import TrainingSession
from charlm.runs.train.settings import with_settings
from charlm.runs.train.setup import TrainingSetup
from charlm.runs.train.tasks import (
    require_fit,
    warn_of_exchanged_sides,
    warn_of_unknown_labels,
    warn_of_unused_lengths,
    with_task_defaults,
)
from charlm.runs.train.together import (
    RUN,
    first_before_others,
    made_by_first,
    require_one_state,
    require_same_command,
    require_same_text,
)
from charlm.training.precision import Arithmetic, resolve_precision
from charlm.training.state import Progress
from charlm.version import __version__

FEWEST_CHARACTERS = 1000
"""Characters of training text below which it is said that nothing is to be learnt from them."""


def start(
    request: Request,
    workspace: Workspace,
    reporter: Reporter,
    stop: StopRequest,
    *,
    init_from: str | None = None,
    stdin: BinaryIO | None = None,
    started: float | None = None,
    world: World = ALONE,
) -> TrainResult:
    """Trains a new run and returns the result.

    Args:
        init_from: a run whose weights and tokenizer to start from.
        stdin: where the text '-' is read from.
        started: when the command began, by `time.monotonic`: a time budget counts from there.  [default: now]
        world: the processes that train the run together.

    Raises:
        CharlmError: something that the user can mend; nothing that existed is touched.
    """
    started = world.of_first(time.monotonic() if started is None else started)
    require_same_command(world, request, init_from=init_from)
    beginning = _begin(request, workspace, reporter, init_from=init_from, stdin=stdin, world=world)
    config, corpus, origin = beginning.request.config, beginning.corpus, beginning.origin
    symbol_counts = beginning.symbol_counts
    provenance = Provenance(
        charlm=__version__,
        torch=torch.__version__,
        corpus=CorpusIdentity(label=corpus.label, digest=corpus.digest, key=corpus.key, split=corpus.split),
        initialized_from=None if origin is None else origin.name,
        identity=secrets.token_hex(16),
    )
    usual_name = text_slug(corpus.label)
    make_folder = partial(created_run, workspace.checkpoints, name=config.run.name, default_name=usual_name)
    if config.run.name is None:
        _note_taken_name(usual_name, workspace, reporter)
    if config.model.model == "ngram":
        return count_to_the_end(
            config, corpus, make_folder, provenance=provenance, symbol_counts=symbol_counts, reporter=reporter
        )
    with memory_errors_explained():
        config, plan, setup = _resolve(beginning, reporter, started=started, world=world)
        trainer = setup.build(config, may_share=plan.may_share)
        # Made last: until here, whatever goes wrong leaves nothing behind.
        with made_by_first(world, make_folder) as folder:
            session = TrainingSession(
                folder,
                with_settings(config, precision=setup.precision),
                corpus,
                trainer,
                Progress(),
                provenance=provenance,
                plan=plan,
                symbol_counts=symbol_counts,
                reporter=reporter,
                stop=stop,
            )
            session.move_to(folder)
            require_one_state(world, folder.last)
            world.remember(RUN, str(folder.path))
            return train_to_the_end(session)


def plan_run(
    request: Request,
    workspace: Workspace,
    reporter: Reporter,
    *,
    init_from: str | None = None,
    stdin: BinaryIO | None = None,
    started: float | None = None,
    cache: Path | None = None,
) -> tuple[RunConfig, TrainingPlan]:
    """Returns the settings of the run that `start` would train, and where its length and sizes come from.

    The text is read, and a time budget measures steps. Other arguments and errors are those of `start`.

    Args:
        cache: the folder to encode the text into.  [default: none, so that nothing is written]
    """
    started = time.monotonic() if started is None else started
    with TemporaryDirectory() as folder, memory_errors_explained():
        beginning = _begin(request, workspace, reporter, init_from=init_from, stdin=stdin, cache=cache or Path(folder))
        if beginning.request.config.model.model == "ngram":
            return beginning.request.config, TrainingPlan(length="counted in one go")
        config, plan, _ = _resolve(beginning, reporter, started=started)
    return config, plan


@dataclass(frozen=True)
class _Beginning:
    """What a new run begins with, before what was left open is resolved.

    Attributes:
        origin: the run whose weights it starts from; None for none.
        symbol_counts: how often each symbol is a target in the training text.
    """

    request: Request
    device: torch.device
    precision: Arithmetic
    origin: LoadedModel | None
    corpus: EncodedCorpus
    symbol_counts: NDArray[np.int64]


def _begin(
    request: Request,
    workspace: Workspace,
    reporter: Reporter,
    *,
    init_from: str | None,
    stdin: BinaryIO | None,
    cache: Path | None = None,
    world: World = ALONE,
) -> _Beginning:
    _refuse_contradictions(request, init_from=init_from)
    warn_of_unused_lengths(request, reporter)
    device = world.device(resolve_device(request.config.run.device))
    require_free(workspace.checkpoints, request.config.run.name)
    origin = None if init_from is None else load_origin(init_from, workspace)
    if origin is not None:
        request = adopt(origin, request)
        require_fit(request.config, init_from=init_from)
    request = request.with_config(with_task_defaults(request.config))
    config = request.config
    precision = resolve_precision(config.run.precision, device, config.model)
    if origin is None:
        recipe = learnt(config.tokenizer, records=config.data.are_records, data=config.data)
    else:
        is_text = config.data.task is None
        recipe = extended(origin.tokenizer) if is_text else extended_for(origin.tokenizer, config.data)
    with first_before_others(world):
        corpus = encode_corpus(config.data, recipe, workspace, reporter, stdin=stdin, cache=cache)
    require_same_text(world, corpus)
    if config.model.model != "ngram" and corpus.train.num_characters < FEWEST_CHARACTERS:
        reporter.warn(
            f"The text for training has {counted(corpus.train.num_characters, 'character')}: too few to learn from. "
            "A network can only repeat them; an ordinary text begins at some 100,000."
        )
    if config.training.average_after is not None and corpus.valid is None:
        raise ConfigError("--average-after needs a validation text to decide by; choose a --split that leaves some.")
    symbol_counts = count_symbols(corpus.train, vocabulary_size=corpus.tokenizer.vocabulary_size)
    note_unlike_parts(corpus, symbol_counts, reporter)
    warn_of_exchanged_sides(corpus, reporter, are_swapped=bool(config.data.swap))
    warn_of_unknown_labels(corpus, reporter)
    return _Beginning(request, device, precision, origin, corpus, symbol_counts)


def _resolve(
    beginning: _Beginning, reporter: Reporter, *, started: float, world: World = ALONE
) -> tuple[RunConfig, TrainingPlan, TrainingSetup]:
    """Returns the settings with nothing left open, why they are so, and what makes their trainer."""
    corpus, origin = beginning.corpus, beginning.origin
    config, on_trial = choose_mix(beginning.request.config, corpus)
    load_weights = None
    if origin is not None:
        for sentence in describe_start(origin, config, corpus.tokenizer, beginning.symbol_counts):
            reporter.note(sentence)
        load_weights = weights_for(origin, config, corpus.tokenizer)
    try:
        with reporter.status("counting n-grams"):
            config, mixture = make_mixture(config, corpus, on_trial=on_trial, world=world)
    except DataError as error:
        if not on_trial:
            raise
        # Nobody asked for n-grams.
        reporter.note(f"No n-grams are mixed in: {error}")
        config, mixture, on_trial = with_mix(config, Mix(None)), None, False
    setup = TrainingSetup(
        corpus.train.tokens,
        corpus.tokenizer,
        beginning.device,
        beginning.precision,
        mixture,
        load_weights,
        is_tuned=origin is not None and corpus.tokenizer.outputs is not None,
        world=world,
    )
    config, plan = resolve(beginning.request.with_config(config), corpus, setup, reporter, started=started)
    return config, plan.model_copy(update={"mix_on_trial": on_trial, "stores_scores": True}), setup


def _note_taken_name(name: str, workspace: Workspace, reporter: Reporter) -> None:
    """Notes that a run of the usual name is there already, and how to go on with it."""
    if RunFolder(workspace.checkpoints / name).last.exists():
        reporter.note(
            f"There is a run '{name}' already; this one gets another name. "
            f"To go on with that one instead: charlm train --resume {quote(name)}"
        )


def _refuse_contradictions(request: Request, *, init_from: str | None) -> None:
    """Checks that what was asked for can be had together.

    Raises:
        ConfigError: it cannot.
    """
    config = request.config
    require_fit(config, init_from=init_from)
    if config.model.mixed_order is not None and config.training.teacher_forcing != "always":
        raise ConfigError("--mix needs --teacher-forcing always: its gate learns on the true text.")
    if config.model.model != "ngram":
        return
    for name in with_effect(config.training, request.asked):
        raise ConfigError(
            f"--{name.replace('_', '-')} is for models that are trained; an n-gram model is counted in one go."
        )
    if config.run.device not in ("auto", "cpu"):
        raise ConfigError(f"--device {config.run.device} is for networks; n-grams are counted on the CPU.")
    if init_from is not None:
        raise ConfigError("--init-from is for networks; an n-gram model is counted anew from each text.")
