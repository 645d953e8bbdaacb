"""Pictures of results; they need the extra charlm[plots]."""

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from charlm.errors import ConfigError

if TYPE_CHECKING:
    from charlm.runs.comparison import CellResult


def require_plots() -> None:
    """Returns if pictures can be drawn.

    Raises:
        ConfigError: Matplotlib is not installed.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise ConfigError("--plot needs Matplotlib; install it with: pip install 'charlm[plots]'")


def plot_comparison(results: "Sequence[CellResult]", path: Path) -> None:
    """Draws bits per character by model, a bar for each depth.

    Raises:
        ConfigError: the file cannot be written, or its format is not known.
    """
    from matplotlib import pyplot

    shown = [each for each in results if each.bits is not None]
    kinds = list(dict.fromkeys(each.kind for each in shown))
    figure, axes = pyplot.subplots(figsize=(1.5 + 1.1 * len(kinds), 3.5))
    for place, kind in enumerate(kinds):
        cells = [each for each in shown if each.kind == kind]
        for number, cell in enumerate(cells):
            width = 0.8 / len(cells)
            left = place - 0.4 + (number + 0.5) * width
            bar = axes.bar(left, cell.bits or 0.0, width=0.9 * width, color=f"C{(cell.layers or 1) - 1}")
            axes.bar_label(bar, fmt="%.3f", fontsize=6)
    axes.set_xticks(range(len(kinds)), kinds)
    lowest = min((each.bits or 0.0 for each in shown), default=0.0)
    axes.set_ylim(bottom=0.9 * lowest)
    axes.set_ylabel("bits per character")
    figure.tight_layout()
    try:
        figure.savefig(path)
    except (OSError, ValueError) as error:
        raise ConfigError(f"--plot '{path}' cannot be written: {error}.") from None
    finally:
        pyplot.close(figure)
