"""A trainer of a small network on a short random text."""

from functools import partial

import numpy as np
import torch

from charlm.data.lanes import Lanes
from charlm.data.tokenfile import TokenFile
from charlm.models.lane_groups import Workers
from charlm.models.recurrent import RecurrentLanguageModel
from charlm.training.adamw import build_optimizer
from charlm.training.averaging import WeightAverage
from charlm.training.clipping import clip_gradient
from charlm.training.pace import Pace
from charlm.training.trainer import Trainer

TOKENS = TokenFile(np.random.default_rng(1).integers(0, 5, 200).astype(np.uint8))


def make_trainer(
    *,
    accumulation=1,
    lane_groups=1,
    threads=1,
    dropout=0.0,
    average=None,
    cell="lstm",
    lanes=4,
    rate=0.01,
    device="cpu",
    precision="fp32",
):
    """A trainer on a random text of five symbols, whose learning rate falls from step to step."""
    model = RecurrentLanguageModel(
        5, cell=cell, embedding_size=3, hidden_size=4, num_layers=2, layer_dropout=dropout, residual=True
    )
    model.initialize(torch.Generator().manual_seed(1))
    model.to(device)
    return Trainer(
        model,
        batches=Lanes(TOKENS, batch_size=lanes, sequence_length=8, random_length=False, seed=1),
        optimizer=build_optimizer(model, beta1=0.9, beta2=0.99, weight_decay=0.1),
        learning_rate=lambda step, progress: rate / (step + 1),
        pace=Pace(1000),
        clip=partial(clip_gradient, max_norm=0.5, max_value=None),
        average=None if average is None else WeightAverage(model, decay=average),
        precision=precision,
        accumulation=accumulation,
        lane_groups=lane_groups,
        workers=Workers(threads),
        generator=torch.Generator(device).manual_seed(2),
        device=torch.device(device),
    )


def weights(trainer):
    """All weights of a trainer's model, one after the other."""
    return torch.cat([parameter.detach().flatten() for parameter in trainer.parameters])
