"""What the n-grams of an example say of its label, beside a network."""

from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional

from charlm.models.stack import Dropout
from charlm.stepping.shapes import hashed_rows

_LONGEST = 4
"""Symbols of the longest n-grams."""

_SCALE = 3.0
"""The factor of all rows: their weights learn as much faster, as AdamW's steps are of one size for all weights."""

# Numbers of n-grams are below a prime, so that their products with the factor fit in 64 bits.
_PRIME = 2**31 - 1
_FACTOR = 1_000_003


@final
class HashedNgrams(nn.Module):
    """A linear classifier on the n-grams of an example, of one symbol up to four (Joulin et al. 2017).

    Each n-gram has a row of weights, one for each label, whose number is a hash of its symbols; a few n-grams share a
    row. Both ends of the example are marked. The sum of the rows is divided by the root of their number, so that long
    examples weigh more, but not in proportion to their length: their n-grams are not independent.

    Args:
        num_labels: of the labels that are told apart.
        dropout: share of the n-grams that are left out in training.
    """

    def __init__(self, num_labels: int, *, dropout: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(hashed_rows(num_labels), num_labels))
        self._dropout = Dropout(dropout)

    def forward(self, tokens: Tensor, lengths: Tensor, generator: torch.Generator | None) -> Tensor:
        """Returns what is added to the logits of each label, `[batch, labels]`.

        Args:
            tokens: the examples, int64 `[time, batch]`, which begin and are padded with symbol 0.
            lengths: of each, int64 `[batch]`.
        """
        marked = functional.pad(tokens, (0, 0, 0, 1))
        places = torch.arange(len(marked), device=tokens.device)[:, None]
        numbers, rows, present = torch.zeros_like(marked), [], []
        for earlier in range(_LONGEST):
            # Of the n-grams that end at each place; what is rolled over the begin is not counted.
            numbers = (numbers * _FACTOR + marked.roll(earlier, dims=0) + 1) % _PRIME
            rows.append(numbers % len(self.weight))
            present.append((places >= earlier) & (places <= lengths))
        counted = torch.cat(present).to(self.weight.dtype)
        shares = self._dropout(counted, generator) * _SCALE / counted.sum(dim=0).sqrt()
        return functional.embedding_bag(torch.cat(rows).t(), self.weight, mode="sum", per_sample_weights=shares.t())
