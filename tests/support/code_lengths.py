"""The definition of a model's code length of a text, in the plainest way."""

import itertools
from collections.abc import Sequence

import torch

from charlm.models.base import LanguageModel


def nats_symbol_by_symbol(model: LanguageModel, symbols: Sequence[int], *, reset_every: int | None = None) -> float:
    """Feeds a symbol, pays for the next one, and so on; in float64 but for the model's own arithmetic.

    Args:
        reset_every: symbols after which the state is as at the beginning again; None means never.
    """
    total = 0.0
    with torch.no_grad():
        state = model.initial_state(1)
        for place, (symbol, following) in enumerate(itertools.pairwise(symbols)):
            if reset_every and place % reset_every == 0:
                state = model.initial_state(1)
            logits, state = model(torch.tensor([[symbol]]), state)
            total -= logits[0, 0].double().log_softmax(-1)[following].item()
    return total
