"""The weights of a trained model, extended to a larger vocabulary."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from charlm.cells import CELLS


def grow_vocabulary(
    weights: Mapping[str, Tensor], *, vocabulary_size: int, generator: torch.Generator
) -> dict[str, Tensor]:
    """Returns the weights with rows for new symbols added at the end; all other weights as they are.

    A new row is drawn around the mean of the known ones, with half their spread; a new output bias is the
    lowest known one, so that a symbol never seen starts out unlikely.
    """
    grown = dict(weights)
    of_cells = [name for cell in CELLS.values() for name in cell.weights_by_symbol]
    for name in ("embedding.weight", *of_cells, "output.weight", "output.bias"):
        known = weights.get(name)
        if known is None or len(known) == vocabulary_size:
            continue
        num_new = vocabulary_size - len(known)
        if known.ndim == 1:
            new = known.min().expand(num_new)
        else:
            noise = torch.randn((num_new, known.shape[1]), generator=generator)
            new = known.mean(dim=0) + 0.5 * known.std(dim=0, correction=0) * noise
        grown[name] = torch.cat([known, new.to(known.dtype)])
    return grown


_TRUNK = ("embedding.", "layers.", "norms.")
"""What the names of the weights begin with that a network of labels takes from a language model."""


def trunk_names(model: nn.Module) -> list[str]:
    """Returns the names of the parameters of a network's trunk: all but its head."""
    return [name for name, _ in model.named_parameters() if name.startswith(_TRUNK)]


def move_trunk(
    weights: Mapping[str, Tensor], own: Mapping[str, Tensor], *, first: int, own_first: int, begin: int | None
) -> dict[str, Tensor]:
    """Returns the weights of a network of labels whose trunk is that of a language model; its head is as it was.

    Args:
        weights: the language model's.
        own: the network's, drawn anew.
        first: the language model's symbol of the first piece of text; `own_first` is the network's.
        begin: the language model's symbol that a text begins after; None for none.
    """
    moved = dict(own) | {name: each for name, each in weights.items() if name.startswith(_TRUNK[1:])}
    known = weights["embedding.weight"]
    embedding = own["embedding.weight"].clone()
    embedding[own_first : own_first + len(known) - first] = known[first:]
    if begin is not None:
        embedding[0] = known[begin]
    return moved | {"embedding.weight": embedding}
