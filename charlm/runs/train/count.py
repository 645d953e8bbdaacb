"""`charlm train --model ngram`: a run that counts instead of training."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager

import numpy as np
import torch
from numpy.typing import NDArray

from charlm.checkpointing.checkpoint import Checkpoint, write_checkpoint
from charlm.checkpointing.metrics import append_metrics, sync_metrics
from charlm.checkpointing.run_folder import RunFolder
from charlm.config import Request, RunConfig, with_effect
from charlm.data.corpus import EncodedCorpus
from charlm.errors import ConfigError, DataError
from charlm.evaluation.baselines import Baseline, score_baselines
from charlm.evaluation.score import Score
from charlm.evaluation.scorer import score_parts
from charlm.generation.generator import sample_text
from charlm.models.base import OWN
from charlm.models.build import count_parameters
from charlm.models.ngram import NgramLanguageModel
from charlm.ngrams.build import CountedModel, count_text
from charlm.ngrams.stepping import NgramStepModel
from charlm.runs.describe import describe_corpus, describe_model
from charlm.runs.reporting import Reporter, TrainingSummary
from charlm.runs.seeds import Streams
from charlm.runs.stored.record import MODEL, SYMBOL_COUNTS, ModelRecord, Provenance
from charlm.runs.train.result import FINAL_SAMPLE_CHARACTERS, TrainResult

_CPU = torch.device("cpu")


def require_countable(request: Request) -> None:
    """Checks that nothing was asked for that only training can give.

    Raises:
        ConfigError: something was.
    """
    config = request.config
    for name in with_effect(config.training, request.asked):
        raise ConfigError(
            f"--{name.replace('_', '-')} is for models that are trained; an n-gram model is counted in one go."
        )
    if config.run.device not in ("auto", "cpu"):
        raise ConfigError(f"--device {config.run.device} is for networks; n-grams are counted on the CPU.")


def count_to_the_end(
    config: RunConfig,
    corpus: EncodedCorpus,
    make_folder: Callable[[], AbstractContextManager[RunFolder]],
    *,
    provenance: Provenance,
    symbol_counts: NDArray[np.int64],
    reporter: Reporter,
) -> TrainResult:
    """Counts a new run's text, stores the model, and scores it on what was held out.

    Raises:
        DataError: the text is shorter than the order.
    """
    order, tokenizer = config.model.order, corpus.tokenizer
    started = time.perf_counter()
    counted = count_text(corpus.train.tokens, tokenizer, order=order, smoothing=config.model.smoothing)
    if counted.model.order < order:
        unit = "symbols" if tokenizer.begin is None else "symbols in any record"
        raise DataError(
            f"--order {order} needs a text with stretches as long; this one has {counted.model.order} {unit}."
        )
    seconds = time.perf_counter() - started
    model = NgramLanguageModel(counted.model)
    with make_folder() as folder:
        config = config.model_copy(update={"run": config.run.model_copy(update={"name": folder.name})})
        validation = None if corpus.valid is None else _score(model, corpus, "valid", reporter)
        folder.write_tokenizer(tokenizer.to_json())
        tensors = {f"{MODEL}.{name}": torch.from_numpy(array) for name, array in counted.model.to_arrays().items()}
        record = ModelRecord(
            provenance=provenance,
            step=1,
            config=config,
            tokenizer=tokenizer,
            validation=None if validation is None else validation.to_json(),
        )
        tensors[SYMBOL_COUNTS] = torch.from_numpy(symbol_counts)
        append_metrics(folder.metrics, {"step": 1, "seconds": round(seconds, 3), "validation": record.validation})
        sync_metrics(folder.metrics)
        folder.write_config(config, comment="counted in one go")
        # Last, as it makes the folder a run.
        write_checkpoint(folder.best, Checkpoint(tensors, record.to_values()))
    grams = count_parameters(model)
    with reporter.training(TrainingSummary(folder.path, _rows(config, corpus, counted, grams, folder), total_steps=1)):
        test = None if corpus.test is None else _score(model, corpus, "test", reporter)
    baselines: tuple[Baseline, ...] = ()
    for split, text in (("validation", corpus.valid), ("test", corpus.test)):
        if text is not None:
            baselines += score_baselines(text, tokenizer, symbol_counts, split=split)
    return TrainResult(
        run=folder.path,
        name=folder.name,
        kind="ngram",
        parameters=grams,
        steps=1,
        total_steps=1,
        seconds=seconds,
        characters_per_second=corpus.train.num_characters / max(seconds, 1e-9),
        validation=validation,
        test=test,
        exact=True,
        baselines=baselines,
        sample=sample_text(
            NgramStepModel(counted.model),
            tokenizer,
            length=FINAL_SAMPLE_CHARACTERS,
            seed=Streams.from_seed(config.run.seed).samples,
        ),
        outcome="finished",
    )


def _score(model: NgramLanguageModel, corpus: EncodedCorpus, split: str, reporter: Reporter) -> Score:
    text = corpus.valid if split == "valid" else corpus.test
    assert text is not None
    with reporter.progress(f"scoring {split}", len(text.tokens)) as advance:
        return score_parts(model, text, corpus.tokenizer, device=_CPU, advance=advance)[OWN]


def _rows(
    config: RunConfig, corpus: EncodedCorpus, counted: CountedModel, grams: int, folder: RunFolder
) -> tuple[tuple[str, str], ...]:
    rows = [
        *describe_corpus(corpus),
        ("model", describe_model(config, parameters=grams)),
        ("written to", str(folder.path)),
    ]
    if counted.plain_orders:
        orders = ", ".join(map(str, counted.plain_orders))
        rows.insert(-1, ("discounts", f"one for all counts at order {orders}, where too few grams are rare for three"))
    return tuple(rows)
