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
from charlm.runs.inspect.cells import chosen_cells, with_cell
from charlm.runs.reporting import Reporter
from charlm.runs.stored.corpus import encode_corpus
from charlm.runs.stored.workspace import Workspace
from charlm.runs.train.defaults import with_defaults_of_width
from charlm.runs.train.setup import build_batches, build_trainer, new_model
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
    cells = chosen_cells(settings.cells)
    recipe = learnt(config.tokenizer, records=config.data.records == "lines")
    corpus = encode_corpus(config.data, recipe, workspace, reporter, stdin=stdin)
    tokens, targets = _stretches(corpus.train, lags=settings.lags)
    device = resolve_device(config.run.device)
    curves = []
    for cell in cells:
        chosen = with_defaults_of_width(with_cell(config, cell))
        model = new_model(chosen, vocabulary_size=corpus.tokenizer.vocabulary_size).to(device)
        curves.append(GradientCurve(cell, _norms(model, tokens, targets), 0))
        if not settings.train_steps:
            continue
        trainer = build_trainer(
            chosen,
            build_batches(corpus, chosen),
            model,
            total_steps=settings.train_steps,
            precision=resolve_precision(config.run.precision, device),
            device=device,
        )
        largest = 0.0
        with reporter.progress(f"training {cell}", settings.train_steps) as advance:
            for _ in range(settings.train_steps):
                largest = max(largest, trainer.take_step().gradient_norm)
                advance(1)
        clipped = trainer.num_clipped / settings.train_steps
        curves.append(
            GradientCurve(cell, _norms(model, tokens, targets), settings.train_steps, round(largest, 4), clipped)
        )
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
