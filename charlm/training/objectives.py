"""What training minimises: today, the code length of the next symbol."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from charlm.data.lanes import IGNORED, Window
from charlm.models.base import LanguageModel, State


@dataclass(frozen=True)
class Loss:
    """A sum of nats, differentiable, and how many targets it is over."""

    total_nats: Tensor
    num_targets: int


def next_symbol_loss(
    model: LanguageModel, window: Window, state: State, generator: torch.Generator
) -> tuple[Loss, State]:
    """Returns the code length of a window's targets under teacher forcing, and the state after it."""
    logits, state = model(window.inputs, state, generator)
    # float32: the logits come in bfloat16 under autocast, too coarse for a sum of logarithms.
    nats = functional.cross_entropy(
        logits.float().flatten(0, 1), window.targets.flatten(), ignore_index=IGNORED, reduction="sum"
    )
    return Loss(nats, window.num_targets), state
