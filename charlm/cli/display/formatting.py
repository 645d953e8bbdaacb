"""Numbers, times and sizes as short texts, and bars of block characters."""

import math
from collections.abc import Sequence

_BLOCKS = "▁▂▃▄▅▆▇█"


def number(value: float, digits: int = 4) -> str:
    """Returns a number with `digits` digits after the point, large ones as 1.23e+08; a dash for infinity and NaN."""
    if not math.isfinite(value):
        return "–"
    return f"{value:.{digits}f}" if abs(value) < 1e6 else f"{value:.2e}"


def perplexity(value: float) -> str:
    """Returns a perplexity with about four significant digits; a dash for infinity and NaN."""
    if not math.isfinite(value):
        return "–"
    return f"{value:,.{max(0, 3 - int(math.log10(max(value, 1))))}f}" if value < 1e6 else f"{value:.2e}"


def bits(nats: float) -> float:
    """Returns an amount of nats in bits."""
    return nats / math.log(2)


def duration(seconds: float) -> str:
    """Returns a duration in words: '4.2 s', '1 min 30 s', '2 h 05 min'."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def amount(value: float) -> str:
    """Returns how many bytes or others with three digits: '950', '12.3k', '1.25M', '10.0G'."""
    for factor, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= 0.9995 * factor:
            return f"{_three_digits(value / factor)}{letter}"
    return f"{value:.0f}"


def _three_digits(value: float) -> str:
    return f"{value:.{2 if value < 9.995 else 1 if value < 99.95 else 0}f}"


def megabytes(size: int | None) -> str:
    """Returns a number of bytes in megabytes; a dash for None."""
    return "–" if size is None else f"{size / 1e6:.1f} MB"


def count(value: int) -> str:
    """Returns a large number in few characters: '950', '12.3K', '1.5M'."""
    for unit, size in (("", 1), ("K", 10**3), ("M", 10**6), ("G", 10**9)):
        if value < 1000 * size or unit == "G":
            break
    return f"{value / size:.3g}{unit}"


def clock(seconds: float) -> str:
    """Returns a duration as a clock shows it: '1:30', '2:05:00'."""
    whole = round(seconds)
    minutes = f"{whole // 60 % 60}:{whole % 60:02d}"
    return minutes if whole < 3600 else f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def log_bar(value: float, values: Sequence[float], width: int = 8) -> str:
    """Returns a bar whose length shows a value on a logarithmic scale from the lowest to the highest of `values`."""
    logs = [math.log10(each) for each in values if each > 0 and math.isfinite(each)]
    if not logs or not value > 0:
        return ""
    low, span = min(logs), max(logs) - min(logs)
    share = 1.0 if not math.isfinite(value) else (math.log10(value) - low) / span if span else 1.0
    return "█" * round(share * width) or "▏"


def sparkline(values: Sequence[float], width: int = 40) -> str:
    """Returns a row of blocks, one a value and the highest for the largest; long rows are thinned evenly to `width`."""
    known = [value for value in values if math.isfinite(value)]
    if not known:
        return ""
    if len(known) > width:
        known = [known[index * (len(known) - 1) // (width - 1)] for index in range(width)]
    low, span = min(known), max(known) - min(known)
    return "".join(_BLOCKS[round((value - low) / span * (len(_BLOCKS) - 1)) if span else 0] for value in known)


def units_in_words(unit: str) -> str:
    """Returns the plural of what losses are counted by: 'characters' for char."""
    return "characters" if unit == "char" else f"{unit}s"
