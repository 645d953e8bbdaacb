"""When a search gives a trial up: it is worse than half of the finished ones were at the same time."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from statistics import median

EARLIEST = 0.4
"""Share of its time that every trial gets: before, a high learning rate looks worse than it is."""
FEWEST = 4
"""Finished trials that a trial is compared with at least."""

Points = Mapping[float, float]
"""Bits per character of a trial's evaluations, by the share of its time that was over, 0 to 1."""


def is_behind(share: float, bits: float, finished: Sequence[Points]) -> bool:
    """Returns whether a trial is worse than the median of the finished ones after the same share of their time.

    Args:
        share: of the trial's time that is over, 0 to 1.
        bits: per character, at its evaluation then.
    """
    if not EARLIEST <= share < 1.0:
        return False
    others = [other for points in finished if (other := bits_at(share, points)) is not None]
    return len(others) >= FEWEST and bits > median(others)


def bits_at(share: float, points: Points) -> float | None:
    """Returns the bits per character after a share of a trial's time, linear between evaluations; None outside them."""
    shares = sorted(points)
    place = bisect_left(shares, share)
    if place == len(shares) or (place == 0 and shares[0] != share):
        return None
    after = shares[place]
    if after == share:
        return points[after]
    before = shares[place - 1]
    return points[before] + (points[after] - points[before]) * (share - before) / (after - before)
