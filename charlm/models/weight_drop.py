"""Dropout of recurrent weights: a layer whose recurrent matrix lacks some of its weights for one window."""

import torch
from torch import Tensor, nn

_MATRIX = "weight_hh_l0"


def dropped(layer: nn.Module, probability: float, generator: torch.Generator | None) -> nn.Module:
    """Returns the layer with a share of its recurrent weights at zero and the rest scaled up.

    The mask is drawn once and holds for all that the layer then reads (Wan et al. 2013; Merity et al. 2018, section 2),
    so that the kernels of whole windows serve. Gradients go to the layer's own weights, which stay as they are: other
    threads may read with them at the same time.
    """
    weight: Tensor = getattr(layer, _MATRIX)
    keep = 1.0 - probability
    mask = torch.empty_like(weight, requires_grad=False).bernoulli_(keep, generator=generator).div_(keep)
    # Not copy.copy: the copy would share its table of parameters, and torch's layers change on being copied.
    changed: nn.Module = object.__new__(type(layer))
    vars(changed).update(vars(layer))
    vars(changed)["_parameters"] = {name: each for name, each in layer._parameters.items() if name != _MATRIX}
    if "_flat_weights" in vars(layer):
        # What torch's layers compute with; setting one of the weights replaces it there, too.
        vars(changed)["_flat_weights"] = list(vars(layer)["_flat_weights"])
    setattr(changed, _MATRIX, weight * mask)
    return changed
