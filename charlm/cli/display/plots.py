"""Pictures of results, drawn into a file by Matplotlib.

Every function raises a ConfigError for a file that cannot be written or whose suffix is no picture format.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from charlm.errors import ConfigError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from charlm.evaluation.gates import GateActivity
    from charlm.runs.compare.result import VariantResult
    from charlm.runs.inspect.agreement import CellAgreement


def plot_curves(curves: Mapping[str, Sequence[float]], path: Path, *, x: str, y: str, first: int) -> None:
    """Draws curves on a logarithmic scale.

    Args:
        first: the place of each curve's first value.
    """
    with _panels(path, size=(6, 3.6)) as (axes,):
        for name, values in curves.items():
            axes.plot(range(first, first + len(values)), values, label=name)
        axes.set(xlabel=x, ylabel=y, yscale="log")
        axes.legend(fontsize=7)


def plot_agreement(results: "Sequence[CellAgreement]", path: Path) -> None:
    """Draws the share of right verbs by their distance to the subject, a line for each cell."""
    with _panels(path, size=(6, 3.6)) as (axes,):
        for each in results:
            axes.plot(
                [answer.distance for answer in each.answers],
                [answer.right for answer in each.answers],
                marker="o",
                label=each.cell,
            )
        axes.axhline(0.5, color="grey", linewidth=0.5)
        axes.set(xlabel="characters from subject to verb", ylabel="share of right verbs", ylim=(0.4, 1.02))
        axes.legend(fontsize=7)


def plot_gates(activities: "Sequence[GateActivity]", path: Path) -> None:
    """Draws a panel for each gate: its units by how often they are left- and right-saturated."""
    names = list(dict.fromkeys(each.gate for each in activities))
    with _panels(path, size=(3.2 * len(names), 3.2), number=len(names)) as panels:
        for axis, name in zip(panels, names, strict=True):
            for each in activities:
                if each.gate == name:
                    left, right = zip(*each.per_unit, strict=True)
                    axis.scatter(right, left, s=6, alpha=0.6, label=f"layer {each.layer + 1}")
            axis.plot([0, 1], [1, 0], color="grey", linewidth=0.5)
            axis.set(title=f"{name} gate", xlabel="share right-saturated", xlim=(0, 1), ylim=(0, 1))
            axis.legend(fontsize=6)
        panels[0].set_ylabel("share left-saturated")


def plot_comparison(results: "Sequence[VariantResult]", path: Path) -> None:
    """Draws bits per character by number of layers: a panel for each size, a line for each kind of model.

    A model without layers is a horizontal line.
    """
    from matplotlib.ticker import MaxNLocator

    scored = [each for each in results if each.bits is not None]
    sizes = list(dict.fromkeys(each.size for each in scored if each.layers is not None)) or [None]
    with _panels(path, size=(1.5 + 3.0 * len(sizes), 3.6), number=len(sizes)) as panels:
        for axis, size in zip(panels, sizes, strict=True):
            for number, kind in enumerate(dict.fromkeys(each.kind for each in scored)):
                look = {"color": f"C{number}", "label": kind}
                variants = [each for each in scored if each.kind == kind]
                line = sorted((each.layers, each.bits or 0.0) for each in variants if each.layers and each.size == size)
                if line:
                    axis.plot(*zip(*line, strict=True), marker="o", **look)
                for each in variants:
                    if each.layers is None:
                        axis.axhline(each.bits or 0.0, linestyle="--", **look)
            axis.xaxis.set_major_locator(MaxNLocator(integer=True))
            axis.set_xlabel("layers")
            axis.set_title("" if size is None else f"as large as {size} units of the first", fontsize=8)
        panels[0].set_ylabel("bits per character")
        if scored:
            panels[-1].legend(fontsize=7)


@contextmanager
def _panels(path: Path, *, size: tuple[float, float], number: int = 1) -> "Iterator[Sequence[Axes]]":
    """Gives panels side by side with one vertical axis, and writes them into a file."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, number, figsize=size, sharey=True, squeeze=False)
    try:
        yield axes[0]
        figure.tight_layout()
        try:
            figure.savefig(path)
        except (OSError, ValueError) as error:
            raise ConfigError(f"--plot '{path}' cannot be written: {error}.") from None
    finally:
        pyplot.close(figure)
