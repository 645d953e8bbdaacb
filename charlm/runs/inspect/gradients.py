"""`charlm inspect gradients`: how far back a loss reaches, in several cells side by side."""

from dataclasses import dataclass
from typing import BinaryIO

import torch
from torch import Tensor

from charlm.config import CellName, GradientsConfig, RunConfig
from charlm.data.encoder import EncodedText
from charlm.data.tokenizers.build import learnt
from charlm.errors import DataError
from charlm.evaluation.gradients import gradient_norms
from charlm.models.base import Network
from charlm.runs.device import resolve_device
from charlm.runs.inspect.cells import cell_configs, take_steps
from charlm.runs.reporting import Reporter
from charlm.runs.stored.corpus import encode_corpus
from charlm.runs.stored.workspace import Workspace
from charlm.runs.train.setup import TrainingSetup
from charlm.training.precision import resolve_precision

NUM_TEXTS = 32
"""Stretches of the text over which the norms are averaged."""


@dataclass(frozen=True)
class GradientCurve:
    """One model's gradients.

    Attributes:
        norms: of the loss's gradient with respect to the state k symbols before, for k = 1, 2, …
        steps: that the model was trained for.
        largest: norm of the whole gradient in any of these steps, before clipping; None without steps.
        clipped: share of them in which the gradient was clipped.
    """

    cell: CellName
    norms: tuple[float, ...]
    steps: int
    largest: float | None = None
    clipped: float | None = None


def inspect_gradients(
    settings: GradientsConfig,
    config: RunConfig,
    workspace: Workspace,
    reporter: Reporter,
    *,
    stdin: BinaryIO | None = None,
) -> list[GradientCurve]:
    """Returns for each cell the curve of its first weights and, after a short training, of its later ones.

    Nothing is kept. All cells have the same sizes and read the same text.

    Raises:
        ConfigError: a cell is not known.
        DataError: the text is too short for so many symbols.
    """
    configs = cell_configs(settings.cells, config, steps=settings.train_steps)
    recipe = learnt(config.tokenizer, records=config.data.are_records)
    corpus = encode_corpus(config.data, recipe, workspace, reporter, stdin=stdin)
    tokens, targets = _stretches(corpus.train, lags=settings.lags)
    device = resolve_device(config.run.device)
    precision = resolve_precision(config.run.precision, device, config.model)
    setup = TrainingSetup(corpus.train.tokens, corpus.tokenizer, device, precision)
    curves = []
    for cell, chosen in configs:
        trainer = setup.build(chosen)
        model = trainer.model
        curves.append(GradientCurve(cell, _norms(model, tokens, targets), 0))
        if not settings.train_steps:
            continue
        results = take_steps(trainer, settings.train_steps, reporter, label=f"training {cell}")
        largest = round(max(0.0, *(each.gradient_norm for each in results)), 4)
        clipped = sum(each.clipped for each in results) / len(results)
        curves.append(GradientCurve(cell, _norms(model, tokens, targets), len(results), largest, clipped))
    return curves


def _stretches(text: EncodedText, *, lags: int) -> tuple[Tensor, Tensor]:
    """Returns stretches of `lags + 1` symbols and what follows each symbol, int64 `[time, texts]`."""
    needed = lags + 2
    if len(text.tokens) < needed:
        raise DataError(
            f"--lags {lags} needs a training text of at least {needed} symbols; this one has {len(text.tokens)}."
        )
    starts = torch.linspace(0, len(text.tokens) - needed, NUM_TEXTS).long().numpy()
    symbols = torch.from_numpy(text.tokens.columns(starts, needed))
    return symbols[:-1], symbols[1:]


def _norms(model: Network, tokens: Tensor, targets: Tensor) -> tuple[float, ...]:
    norms = gradient_norms(model, tokens.to(model.device), targets.to(model.device))
    return tuple(float(norm) for norm in norms)
