"""The numbers in a run's metrics, which anybody may have written, brought to how they are counted now."""

from typing import Any

_LARGEST = 1e100


def charged_nats(score: dict[str, Any], *, log_unknown: float) -> float | None:
    """Returns the nats per symbol of a stored score; to one without it, the charge for unknown characters is added.

    Args:
        log_unknown: the charge for one of them, in nats.
    """
    nats = number(score.get("nats_per_symbol"))
    num_unknown, num_symbols = number(score.get("unknown")), number(score.get("symbols"))
    if nats is None or not num_unknown or not num_symbols or "unknown_bits_per_character" in score:
        return nats
    return nats + num_unknown / num_symbols * log_unknown


def number(value: object) -> float | None:
    """Returns a number of the metrics if it is one that can be computed with."""
    return value if isinstance(value, int | float) and -_LARGEST < value < _LARGEST else None
