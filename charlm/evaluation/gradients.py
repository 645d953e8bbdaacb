"""The gradient of the loss at one symbol with respect to earlier hidden states."""

import torch
from torch import Tensor

from charlm.models.base import Network, State, code_lengths


def gradient_norms(model: Network, tokens: Tensor, targets: Tensor) -> Tensor:
    """Returns the norm of d loss_t / d state_{t-k}, for k = 1 … time - 1, averaged over the texts, `[time - 1]`.

    The loss is the loss of the last target alone. A state is the whole state of the model between two symbols: h of
    every layer, and c of an LSTM. The norms of vanishing gradients fall with k, those of exploding gradients rise
    (Bengio et al. 1994, Pascanu et al. 2013).

    Args:
        tokens: symbols of several texts, int64 `[time, batch]`.
        targets: the symbol after each, int64 `[time, batch]`.
    """
    model.eval()
    states: list[State] = []
    state = tuple(part.detach() for part in model.initial_state(tokens.shape[1]))
    for row in tokens[:-1]:
        _, state = model(row[None], state)
        states.append(state)
    logits, _ = model(tokens[-1:], state)
    loss = code_lengths(logits, targets[-1:]).sum()
    gradients = torch.autograd.grad(loss, [part for each in states for part in each])
    # The squared norm over layers and units of each part of each state, for each text: `[time - 1, parts, batch]`.
    squares = torch.stack([gradient.square().sum((0, 2)) for gradient in gradients])
    return squares.view(len(states), -1, tokens.shape[1]).sum(1).sqrt().mean(1).flip(0)
