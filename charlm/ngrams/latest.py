"""What followed a context the last time, and how it came to be that: a symbol and a state."""

NUM_STATES = 16
MOST_REPEATED = NUM_STATES // 2 - 1
CHANGED = NUM_STATES // 2

Latest = tuple[int, int]
"""The symbol; and how often it has come again without another between, at most MOST_REPEATED, and CHANGED more where
another symbol followed the context before."""


def latest_after(latest: Latest | None, symbol: int) -> Latest:
    """Returns what followed a context the last time, once a symbol has; None stands for nothing before."""
    if latest is None:
        return symbol, 0
    before, state = latest
    if before != symbol:
        return symbol, CHANGED
    return symbol, state if state % CHANGED == MOST_REPEATED else state + 1
