"""The curve of a training as a few rows of characters."""

from collections.abc import Sequence
from typing import NamedTuple

from rich.text import Text

from charlm.cli.display.canvas import Range, Stroke, draw, with_axis
from charlm.cli.display.formatting import bits
from charlm.cli.display.palette import BLUE, GREEN, MAGENTA
from charlm.runs.reporting import LossPoint

_LABEL = 5
_EARLY = 0.1
"""Share of the points, the first ones, whose high losses would press the rest into one row."""
_SMALLEST_SPAN = 0.01

_TRAINING, _NETWORK, _VALIDATION = BLUE, MAGENTA, f"bold {GREEN}"


class _Symbols(NamedTuple):
    training: str
    network: str
    validation: str


_UNICODE = _Symbols("⠒", "○", "●")
_ASCII = _Symbols(".", "o", "*")


def legend(*, is_mixed: bool, is_ascii: bool) -> Text:
    """Returns what is drawn, for a title."""
    symbols = _ASCII if is_ascii else _UNICODE
    entries = [(symbols.training, _TRAINING, "network, training" if is_mixed else "training")]
    if is_mixed:
        entries.append((symbols.network, _NETWORK, "network, validation"))
    entries.append((symbols.validation, _VALIDATION, "mixture" if is_mixed else "validation"))
    text = Text()
    for symbol, style, meaning in entries:
        text.append("  " if text else "").append(symbol, style=style).append(f" {meaning}")
    return text


def draw_curve(points: Sequence[LossPoint], *, width: int, height: int, is_ascii: bool, unit: str = "char") -> Text:
    """Returns the losses in bits per character, or another unit, over the share of the training.

    Training losses are a line, without its first, high part; validation losses are marks.

    Args:
        points: by step.
        height: rows, without that of the horizontal axis.
        is_ascii: whether the terminal has only ASCII characters.
    """
    symbols = _ASCII if is_ascii else _UNICODE
    training, network, validation = (_losses(points, of) for of in ("training", "network", "validation"))
    marked, line = network[1] + validation[1], training[1]
    low = min(marked + line, default=0.0)
    high = max(marked + line[int(_EARLY * len(line)) :], default=1.0)
    high = max(high, low + _SMALLEST_SPAN)
    columns = max(1, width - _LABEL - 1)
    strokes = [
        Stroke(*training, _TRAINING, symbols.training if is_ascii else None),
        Stroke(*network, _NETWORK, symbols.network, is_joined=False),
        Stroke(*validation, _VALIDATION, symbols.validation, is_joined=False),
    ]
    cells = draw(strokes, Range(0.0, 1.0, low, high), width=columns, height=height)
    labels = {0: f"{high:.2f}", height - 1: f"{low:.2f}"}
    ends, middle = len("0 %100 %"), f"bits/{unit} over the share of the training"
    below = Text(f"{'':{_LABEL + 1}}0 %{middle:^{columns - ends}}100 %", style="dim")
    rows = with_axis(cells, labels, width=_LABEL, is_ascii=is_ascii)
    return Text("\n", no_wrap=True, overflow="crop").join([*rows, below])


def _losses(points: Sequence[LossPoint], of: str) -> tuple[list[float], list[float]]:
    """Returns the shares of the training at which there is such a loss, and the losses."""
    known = [(point.share, bits(nats)) for point in points if (nats := getattr(point, of)) is not None]
    return [share for share, _ in known], [loss for _, loss in known]
