"""From logits to the next symbol: temperature, top-k, top-p, min-p, and a draw that a seed repeats.

The order is temperature, top-k, top-p, min-p, as in Hugging Face's transformers: every filter acts on
the distribution that the steps before it left, so a higher temperature lets more symbols through
top-p and min-p. (llama.cpp filters first and applies the temperature last.) All logits here are
`[batch, vocabulary]`; a symbol that cannot be drawn has minus infinity. Every filter keeps the
likeliest symbol, and where two are equally likely the one with the lower number goes first.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional

from charlm.config import SamplingConfig
from charlm.errors import CharlmError


def exclude(logits: Tensor, symbols: Tensor) -> Tensor:
    """Returns the logits with `symbols` made impossible."""
    return logits.index_fill(-1, symbols, -math.inf)


def apply_temperature(logits: Tensor, temperature: float) -> Tensor:
    """Returns the logits divided by a temperature above zero, shifted so that the highest is 0.

    The shift changes no probability; without it a tiny temperature overflows.
    """
    highest = logits.amax(dim=-1, keepdim=True)
    return (logits.double() - highest) / temperature


def keep_top_k(logits: Tensor, k: int) -> Tensor:
    """Returns the logits of the `k` likeliest symbols; exactly `k`, ties broken by number."""
    return logits.scatter(-1, _likeliest_first(logits)[:, k:], -math.inf)


def keep_top_p(logits: Tensor, p: float) -> Tensor:
    """Returns the logits of the fewest likeliest symbols that together hold probability `p`.

    Nucleus sampling (Holtzman et al. 2020): the symbol that reaches `p` is kept.
    """
    if p >= 1.0:
        return logits
    order = _likeliest_first(logits)
    cumulative = logits.softmax(dim=-1, dtype=torch.float64).gather(-1, order).cumsum(dim=-1)
    before = functional.pad(cumulative[:, :-1], (1, 0))
    dropped = torch.zeros_like(before, dtype=torch.bool).scatter(-1, order, before >= p)
    return logits.masked_fill(dropped, -math.inf)


def keep_min_p(logits: Tensor, share: float) -> Tensor:
    """Returns the logits of the symbols that have at least `share` of the likeliest one's probability.

    Min-p sampling (Nguyen et al. 2024).
    """
    if share == 0.0:
        return logits
    lowest = logits.amax(dim=-1, keepdim=True) + math.log(share)
    return logits.masked_fill(logits < lowest, -math.inf)


def distribution(logits: Tensor, settings: SamplingConfig) -> Tensor:
    """Returns the probabilities, float64, that `settings` draw from at a temperature above zero."""
    logits = apply_temperature(logits, settings.temperature)
    if settings.top_k is not None:
        logits = keep_top_k(logits, settings.top_k)
    if settings.top_p is not None:
        logits = keep_top_p(logits, settings.top_p)
    if settings.min_p is not None:
        logits = keep_min_p(logits, settings.min_p)
    return logits.softmax(dim=-1)


def draw(logits: Tensor, settings: SamplingConfig, generator: torch.Generator) -> Tensor:
    """Returns one symbol for each row of `logits`, int64 `[batch]`.

    Temperature 0 takes the likeliest. Otherwise each row spends one uniform number of `generator` and
    looks it up in the cumulative distribution, on the CPU in float64, so that equal logits give equal
    symbols whatever device computed them.

    Args:
        logits: on the CPU.
        generator: on the CPU.

    Raises:
        CharlmError: the logits are not finite, or nothing is possible.
    """
    if not torch.isfinite(logits.amax(dim=-1)).all():
        raise CharlmError(
            "The model's output is not finite, so no text can be drawn from it: its training diverged or its "
            "weights are damaged. Use another checkpoint, or train again with a lower --learning-rate."
        )
    if settings.temperature == 0.0:
        return logits.argmax(dim=-1)
    cumulative = distribution(logits, settings).cumsum(dim=-1)
    uniform = torch.rand((len(logits), 1), dtype=torch.float64, generator=generator)
    # The first symbol whose cumulative probability exceeds the number: one of probability 0 never is.
    return torch.searchsorted(cumulative, uniform * cumulative[:, -1:], right=True).squeeze(-1)


def _likeliest_first(logits: Tensor) -> Tensor:
    return logits.argsort(dim=-1, descending=True, stable=True)
