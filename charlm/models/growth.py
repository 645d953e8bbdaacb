"""The weights of a trained model, extended to a larger vocabulary."""

import itertools
from collections.abc import Mapping, Sequence

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
    for name in _by_symbol():
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


def renumber_vocabulary(
    weights: Mapping[str, Tensor], old_symbols: Sequence[int | None], *, generator: torch.Generator
) -> dict[str, Tensor]:
    """Returns the weights for a vocabulary whose symbols have other numbers, with new rows as `grow_vocabulary` adds.

    Args:
        old_symbols: of each symbol its number before; None for a new one.
    """
    known = len(weights["embedding.weight"])
    new = itertools.count(known)
    rows = torch.tensor([next(new) if symbol is None else symbol for symbol in old_symbols])
    grown = grow_vocabulary(weights, vocabulary_size=known + list(old_symbols).count(None), generator=generator)
    return grown | {name: grown[name][rows] for name in _by_symbol() if name in grown}


def _by_symbol() -> list[str]:
    """Returns the names of the weights that have a row for each symbol."""
    of_cells = [name for cell in CELLS.values() for name in cell.weights_by_symbol]
    return ["embedding.weight", *of_cells, "output.weight", "output.bias"]


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
