"""`charlm train --model ngram`: a run that counts instead of training."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from charlm.checkpointing.metrics import append_metrics, sync_metrics
from charlm.checkpointing.run_folder import RunFolder
from charlm.config import RunConfig
from charlm.data.corpus import EncodedCorpus
from charlm.errors import DataError
from charlm.files.folders import scratch_folder
from charlm.generation.generator import sample_text
from charlm.models.base import OWN
from charlm.models.build import count_parameters
from charlm.models.ngram import NgramLanguageModel
from charlm.ngrams.build import count_text
from charlm.ngrams.stepping import NgramStepModel
from charlm.runs.describe import describe_corpus, describe_model
from charlm.runs.reporting import Reporter, TrainingSummary
from charlm.runs.stored.record import FinalScores, ModelRecord, Provenance
from charlm.runs.train.best import write_model
from charlm.runs.train.result import FINAL_SAMPLE_CHARACTERS, TrainResult, score_held_out, simpler_models
from charlm.runs.train.settings import with_settings
from charlm.runs.train.setup import seeds_of


def count_to_the_end(
    config: RunConfig,
    corpus: EncodedCorpus,
    make_folder: Callable[[], AbstractContextManager[RunFolder]],
    *,
    provenance: Provenance,
    symbol_counts: NDArray[np.int64],
    reporter: Reporter,
) -> TrainResult:
    """Counts a new run's text, scores the model on what was held out, and stores it.

    Raises:
        DataError: the text is shorter than the order, has no n-grams so frequent, or too many for the memory.
    """
    order, tokenizer = config.model.order, corpus.tokenizer
    started = time.perf_counter()
    counted = count_text(
        corpus.train.tokens,
        tokenizer,
        order=order,
        smoothing=config.model.smoothing,
        prune=config.model.prune or 0,
        memory=config.run.counting_bytes,
        scratch=partial(scratch_folder, corpus.folder.parent),
    )
    longest = len(counted.text.orders)
    if longest < order:
        unit = "symbols" if tokenizer.begin is None else "symbols in any record"
        raise DataError(f"--order {order} needs a text with stretches as long; this one has {longest} {unit}.")
    if counted.model.order < order:
        raise DataError(
            f"--prune {config.model.prune} drops all n-grams of {counted.model.order + 1} symbols: lower it, or "
            f"use --order {counted.model.order}."
        )
    seconds = time.perf_counter() - started
    model = NgramLanguageModel(counted.model)
    scores = score_held_out(model, corpus, reporter, device=torch.device("cpu"))
    validation, test = (scores[split][OWN] if split in scores else None for split in ("validation", "test"))
    with make_folder() as folder:
        config = with_settings(config, name=folder.name)
        folder.write_tokenizer(tokenizer.to_json())
        record = ModelRecord(
            provenance=provenance,
            step=1,
            config=config,
            tokenizer=tokenizer,
            validation=None if validation is None else validation.to_json(),
            final=FinalScores(
                validation=None if validation is None else validation.to_json(),
                test=None if test is None else test.to_json(),
                exact=True,
            ),
        )
        append_metrics(folder.metrics, {"step": 1, "seconds": round(seconds, 3), "validation": record.validation})
        sync_metrics(folder.metrics)
        folder.write_config(config, comment="counted in one go")
        # Last, as it makes the folder a run.
        write_model(folder.best, model, record, symbol_counts)
    parameters = count_parameters(model)
    rows = [*describe_corpus(corpus), ("model", describe_model(config, parameters=parameters))]
    if counted.plain_orders:
        orders = ", ".join(map(str, counted.plain_orders))
        rows.append(("discounts", f"one for all counts at order {orders}, where too few grams are rare for three"))
    rows.append(("written to", str(folder.path)))
    with reporter.training(TrainingSummary(folder.path, tuple(rows), total_steps=1)):
        return TrainResult(
            run=folder.path,
            name=folder.name,
            kind="ngram",
            parameters=parameters,
            steps=1,
            total_steps=1,
            seconds=seconds,
            characters_per_second=corpus.train.num_characters / max(seconds, 1e-9),
            sample=sample_text(
                NgramStepModel(counted.model), tokenizer, length=FINAL_SAMPLE_CHARACTERS, seed=seeds_of(config).samples
            ),
            validation=validation,
            test=test,
            are_records=tokenizer.begin is not None,
            baselines=simpler_models(scores, corpus, symbol_counts),
        )
