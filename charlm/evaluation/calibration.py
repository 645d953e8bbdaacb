"""How much a log-linear mixture trusts both of its parts on a text that neither was trained on.

A gate learns on the training text. The n-grams' distributions there are cross-fitted, but the network has read it many
times, and the gate learns to trust it more than it deserves on a new text. Two factors, one for each weight, mend that
(after Guo et al. 2017, temperature scaling). As functions of them the code length is convex, and Newton's method
finds its minimum in a few steps.
"""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from charlm.data.lanes import IGNORED, Window
from charlm.models.base import State
from charlm.models.mixture import MixedLanguageModel

MOST_SYMBOLS = 8192
"""Two numbers learnt from so many symbols are off by some 1e-4 nats in all."""
_FEWEST_SYMBOLS = 1024
_MOST_PROBABILITIES = 1 << 21
"""Of all symbols of all places: half a second of one thread."""

_MOST_NUMBERS = 1 << 21
"""Of the features of a block: the allocator keeps arrays of so many, and asks the system for larger ones every time."""
_Block = tuple[Tensor, Tensor]
"""Features `[symbols, 2, vocabulary]` and targets `[symbols]`."""

_STEPS = 20
_LOWEST, _HIGHEST = 0.05, 20.0


def symbols_needed(vocabulary_size: int) -> int:
    """Returns how many symbols of a text the factors are learnt from; fewer where each has many probabilities."""
    return min(MOST_SYMBOLS, max(_FEWEST_SYMBOLS, _MOST_PROBABILITIES // vocabulary_size))


@torch.inference_mode()
def weight_scales(model: MixedLanguageModel, windows: Iterable[Window], *, most_symbols: int = MOST_SYMBOLS) -> Tensor:
    """Returns the factors of the network's and the n-grams' weights under which some windows are shortest, `[2]`."""
    collected: list[tuple[Tensor, Tensor]] = []
    state: State = ()
    for window in windows:
        if window.fresh:
            state = model.initial_state(window.inputs.shape[1])
        here = window.to(model.device)
        outputs, parts, state = model.gate_outputs(here.inputs, state)
        scored = here.targets != IGNORED
        features = outputs.exp()[scored][..., None] * torch.stack(parts, dim=2)[scored]
        collected.append((features.cpu().double(), here.targets[scored].cpu()))
        if sum(len(targets) for _, targets in collected) >= most_symbols:
            break
    features, targets = (torch.cat(each)[:most_symbols] for each in zip(*collected, strict=True))
    size = max(1, _MOST_NUMBERS // features[0].numel())
    return _minimum(list(zip(torch.split(features, size), torch.split(targets, size), strict=True)))


def _minimum(blocks: Sequence[_Block]) -> Tensor:
    """Returns the weights of features under which the targets cost least."""
    num_symbols = sum(len(targets) for _, targets in blocks)
    scales = torch.ones(2, dtype=torch.float64)
    best = _nats(blocks, scales)
    for _ in range(_STEPS):
        derivatives = [_derivatives(*block, scales) for block in blocks]
        gradient, curvature = (sum(each) / num_symbols for each in zip(*derivatives, strict=True))
        # Where a bound keeps one from going down, the other goes down alone.
        free = ~(((scales <= _LOWEST) & (gradient > 0.0)) | ((scales >= _HIGHEST) & (gradient < 0.0)))
        curvature = curvature * (free[:, None] & free) + 1e-9 * torch.eye(2, dtype=torch.float64)
        step = torch.linalg.solve(curvature, gradient * free)
        nats, moved = best, scales
        for share in (1.0, 0.5, 0.25, 0.1, 0.03, 0.01):
            moved = (scales - share * step).clamp(_LOWEST, _HIGHEST)
            nats = _nats(blocks, moved)
            if nats < best:
                break
        if nats >= best - 1e-9:
            break
        best, scales = nats, moved
    return scales.float()


def _derivatives(features: Tensor, targets: Tensor, scales: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the gradient `[2]` and the curvature `[2, 2]` of the targets' summed code length."""
    likelihoods = torch.einsum("k,skv->sv", scales, features).softmax(dim=-1)
    expected = torch.einsum("sv,skv->sk", likelihoods, features)
    actual = features[torch.arange(len(targets)), :, targets]
    spread = features - expected[..., None]
    return (expected - actual).sum(dim=0), torch.einsum("sv,skv,sjv->kj", likelihoods, spread, spread)


def _nats(blocks: Sequence[_Block], scales: Tensor) -> float:
    nats = [
        functional.cross_entropy(torch.einsum("k,skv->sv", scales, features), targets, reduction="sum")
        for features, targets in blocks
    ]
    return float(sum(nats)) / sum(len(targets) for _, targets in blocks)
