"""`charlm train`: a new run."""

import secrets
import time
from functools import partial
from typing import BinaryIO

import torch

from charlm.checkpointing.new_run import created_run, require_free
from charlm.config import Request
from charlm.data.sources import text_slug
from charlm.data.tokenizers.build import TokenizerRecipe, learnt
from charlm.errors import ConfigError, memory_errors_explained
from charlm.evaluation.baselines import count_symbols
from charlm.runs.device import resolve_device
from charlm.runs.reporting import Reporter, StopRequest
from charlm.runs.stored.corpus import encode_corpus
from charlm.runs.stored.record import CorpusIdentity, Provenance
from charlm.runs.stored.workspace import Workspace
from charlm.runs.train.count import count_to_the_end, require_countable
from charlm.runs.train.fine_tuning import load_origin
from charlm.runs.train.finish import train_to_the_end
from charlm.runs.train.mixing import choose_mix, make_mixture
from charlm.runs.train.resolve import resolve
from charlm.runs.train.result import TrainResult
from charlm.runs.train.session import TrainingSession
from charlm.runs.train.setup import TrainingSetup
from charlm.training.precision import resolve_precision
from charlm.training.state import Progress
from charlm.version import __version__


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
    """Trains a new run and returns the result.

    Args:
        init_from: a run whose weights and tokenizer to start from.
        stdin: where the text '-' is read from.
        started: when the command began, by `time.monotonic`: a time budget counts from there.  [default: now]

    Raises:
        CharlmError: something that the user can mend; nothing that existed is touched.
    """
    started = time.monotonic() if started is None else started
    _refuse_contradictions(request, init_from=init_from)
    device = resolve_device(request.config.run.device)
    precision = resolve_precision(request.config.run.precision, device)
    require_free(workspace.checkpoints, request.config.run.name)
    origin = None if init_from is None else load_origin(init_from, workspace)
    if origin is not None:
        request = origin.adopted_by(request)
    recipe = _recipe(request) if origin is None else origin.recipe
    corpus = encode_corpus(request.config.data, recipe, workspace, reporter, stdin=stdin)
    symbol_counts = count_symbols(corpus.train, vocabulary_size=corpus.tokenizer.vocabulary_size)
    identity = CorpusIdentity(label=corpus.label, digest=corpus.digest, key=corpus.key, split=corpus.split)
    provenance = Provenance(
        charlm=__version__,
        torch=torch.__version__,
        corpus=identity,
        initialized_from=None if origin is None else origin.name,
        identity=secrets.token_hex(16),
    )
    make_folder = partial(
        created_run, workspace.checkpoints, name=request.config.run.name, default_name=text_slug(corpus.label)
    )
    if request.config.model.model == "ngram":
        return count_to_the_end(
            request.config, corpus, make_folder, provenance=provenance, symbol_counts=symbol_counts, reporter=reporter
        )
    with memory_errors_explained():
        config, on_trial = choose_mix(request.config, corpus)
        if origin is not None:
            reporter.note(origin.coverage(corpus.tokenizer, symbol_counts))
            if origin.is_mixed and config.model.mixed_order is None:
                reporter.note(f"Of '{origin.name}', the network alone is taken; --mix mixes n-grams of this text in.")
        config, mixture = make_mixture(config, corpus, on_trial=on_trial)
        load_weights = None if origin is None else origin.weights_for(corpus.tokenizer, seed=config.run.seed)
        setup = TrainingSetup(corpus, mixture, device, precision, load_weights)
        resolved = resolve(request.with_config(config), corpus, setup.build, started=started)
        for warning in resolved.warnings:
            reporter.warn(warning)
        config = resolved.config
        trainer = setup.build(config, total_steps=resolved.total_steps)
        # Made last: until here, whatever goes wrong leaves nothing behind.
        with make_folder() as folder:
            settings = config.run.model_copy(update={"name": folder.name, "precision": precision})
            session = TrainingSession(
                folder,
                config.model_copy(update={"run": settings}),
                corpus,
                trainer,
                Progress(),
                provenance=provenance,
                plan=resolved.plan.model_copy(update={"mix_on_trial": on_trial}),
                symbol_counts=symbol_counts,
                reporter=reporter,
                stop=stop,
            )
            session.write_config()
            folder.write_tokenizer(corpus.tokenizer.to_json())
            session.save()
            return train_to_the_end(session)


def _refuse_contradictions(request: Request, *, init_from: str | None) -> None:
    """Checks that what was asked for can be had together.

    Raises:
        ConfigError: it cannot.
    """
    config = request.config
    if config.model.mixed_order is not None and config.training.teacher_forcing != "always":
        raise ConfigError("--mix needs --teacher-forcing always: its gate learns on the true text.")
    if config.model.model == "ngram":
        require_countable(request)
        if init_from is not None:
            raise ConfigError("--init-from is for networks; an n-gram model is counted anew from each text.")


def _recipe(request: Request) -> TokenizerRecipe:
    config = request.config
    return learnt(config.tokenizer, records=config.data.records == "lines")
