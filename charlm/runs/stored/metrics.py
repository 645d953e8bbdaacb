"""The scores in a run's metrics, which anybody may have written, brought to how they are counted now."""

from charlm.checkpointing.metrics import finite_number


def charged_nats(score: object, *, log_unknown: float) -> float | None:
    """Returns the nats per symbol of a stored score; to one without it, the charge for unknown characters is added.

    Args:
        log_unknown: the charge for one of them, in nats.
    """
    if not isinstance(score, dict):
        return None
    nats = finite_number(score.get("nats_per_symbol"))
    num_unknown, num_symbols = finite_number(score.get("unknown")), finite_number(score.get("symbols"))
    if nats is None or not num_unknown or not num_symbols or "unknown_bits_per_character" in score:
        return nats
    return nats + num_unknown / num_symbols * log_unknown
