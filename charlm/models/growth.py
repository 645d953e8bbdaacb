"""The weights of a trained model, extended to a larger vocabulary."""

from collections.abc import Mapping

import torch
from torch import Tensor

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
