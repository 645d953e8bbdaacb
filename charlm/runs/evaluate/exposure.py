"""`charlm eval exposure`: what becomes of a run's model when it reads its own output."""

import torch
from torch import Tensor

from charlm.config import ExposureConfig
from charlm.errors import ConfigError, DataError
from charlm.evaluation.exposure import Exposure, measure_exposure
from charlm.models.ngram import NgramLanguageModel
from charlm.ngrams.build import count_text
from charlm.runs.reporting import Reporter
from charlm.runs.stored.corpus import reopen_corpus
from charlm.runs.stored.loading import load_model
from charlm.runs.stored.workspace import Workspace

JUDGE_ORDER = 6
"""Symbols in the longest grams of the model that judges what was drawn."""


def exposure(run: str, settings: ExposureConfig, workspace: Workspace, reporter: Reporter) -> Exposure:
    """Returns the exposure of a run's best model on what was held out, judged by n-grams of its training text.

    Raises:
        ConfigError: the run's text is records, which end before anything can drift.
        DataError: nothing was held out, or too little.
    """
    loaded = load_model(run, workspace, device=torch.device("cpu"))
    corpus = reopen_corpus(loaded.record, workspace, reporter)
    if loaded.tokenizer.begin is not None:
        raise ConfigError(f"'{loaded.name}' was trained on records; exposure is measured on running text.")
    text = corpus.test or corpus.valid
    if text is None:
        raise DataError(f"'{loaded.name}' was trained on all of its text; nothing is held out to measure it on.")
    length = settings.prefix + settings.positions
    if len(text.tokens) < length + 1:
        raise DataError(
            f"--prefix {settings.prefix} and --positions {settings.positions} need {length + 1} held-out symbols; "
            f"there are {len(text.tokens)}."
        )
    judge = NgramLanguageModel(
        count_text(corpus.train.tokens, loaded.tokenizer, order=min(JUDGE_ORDER, len(corpus.train.tokens))).model
    )
    starts = even_places(len(text.tokens) - length - 1, num_places=settings.texts)
    texts = torch.from_numpy(text.tokens.columns(starts.numpy(), length))
    generator = torch.Generator().manual_seed(settings.seed)
    return measure_exposure(loaded.model, judge, texts, prefix=settings.prefix, generator=generator)


def even_places(last: int, *, num_places: int) -> Tensor:
    """Returns places from 0 to the last one at even distances, `[place]` int64."""
    # float32 has integers up to 2^24 only, and rounds a higher one up by 16 places and more.
    return torch.linspace(0, last, num_places).long().clamp(max=last)
