"""The curves of a training, from its metrics."""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from charlm.checkpointing.metrics import NETWORK_VALIDATION, finite_number, read_metrics
from charlm.runs.reporting import LossPoint
from charlm.training.pace import Pace


def read_history(path: Path, pace: Pace, *, characters_per_symbol: float, is_mixed: bool) -> Iterator[LossPoint]:
    """Yields the points of all lines of metrics; arguments as for `loss_point`.

    Raises:
        CheckpointError: the file cannot be read.
    """
    for line in read_metrics(path):
        if line["step"] > 0:
            yield loss_point(line, pace, characters_per_symbol=characters_per_symbol, is_mixed=is_mixed)


def loss_point(line: Mapping[str, Any], pace: Pace, *, characters_per_symbol: float, is_mixed: bool) -> LossPoint:
    """Returns the point of the curves that a line of metrics has.

    Args:
        pace: of the training, for the share that is done.
        is_mixed: whether n-grams are mixed in; where they no longer are, the network's scores count.
    """
    nats = finite_number(line.get("training_nats_per_symbol"))
    validation, network = (_nats_per_character(line.get(key)) for key in ("validation", NETWORK_VALIDATION))
    if network is not None and not is_mixed:
        validation, network = network, None
    training = None if nats is None else nats / characters_per_symbol
    return LossPoint(line["step"], pace.progress(line["step"]), training, validation, network)


def _nats_per_character(score: object) -> float | None:
    """Returns the loss of a stored score, if it has one."""
    bits = finite_number(score.get("bits_per_character")) if isinstance(score, dict) else None
    return None if bits is None else bits * math.log(2)
