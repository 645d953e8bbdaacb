"""The code lengths of the targets of a window, and what is told of them on the way."""

from collections.abc import Callable

import torch
from torch import Tensor

from charlm.data.lanes import Window
from charlm.models.base import LanguageModel, Observer, Scoring, State, slice_batch
from charlm.models.lane_groups import Workers

Advance = Callable[[int], None]
Observe = Callable[[Window], Observer]
"""Returns the observer of a window, or of some lanes of one; lanes are observed on several threads at once."""

_MOST_SYMBOLS = 1 << 12
"""Of the lanes of a thread: more gain nothing."""
_MOST_LOGITS = 1 << 21
"""Of the lanes of a thread: the allocator keeps arrays of so many, and asks the system for larger ones every time."""
_FEWEST_STEPS = 8


def window_length(num_lanes: int, vocabulary_size: int) -> int:
    """Returns a good number of steps of a window that has so many lanes on a thread."""
    return max(_FEWEST_STEPS, min(_MOST_SYMBOLS, _MOST_LOGITS // vocabulary_size) // num_lanes)


def score_lanes(
    model: LanguageModel,
    window: Window,
    state: State,
    lanes: tuple[int, int],
    *,
    device: torch.device,
    observe: Observe | None,
    workers: Workers | None = None,
) -> tuple[dict[str, Tensor], State]:
    """Returns the code lengths of the targets of some lanes, float64 `[time, lanes]`, by model, and the state after.

    Args:
        state: before the window, of all its lanes.
        lanes: the first, and the one after the last.
        workers: may compute layers side by side.
    """
    part = window.lanes(*lanes).to(device)
    observer = None if observe is None else observe(part)
    nats, state = model.nats(part.inputs, part.targets, slice_batch(state, *lanes), Scoring(observer, workers))
    # Summed on the CPU in float64: some devices have no float64, and float32 sums drift.
    return {name: each.cpu().double() for name, each in nats.items()}, state
