"""Pictures of results, drawn into a file by Matplotlib.

Every function raises a CharlmError for a file that cannot be written, and a ConfigError for one whose suffix is no
picture format.
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from charlm.cli.display.axes import AXES, Axis
from charlm.cli.display.chart import Line, short, visible_range
from charlm.errors import CharlmError, ConfigError
from charlm.notation import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from charlm.evaluation.gates import GateActivity
    from charlm.runs.compare.findings import Findings
    from charlm.runs.compare.result import VariantResult
    from charlm.runs.inspect.agreement import CellAgreement
    from charlm.runs.plot import Curve

_LOSS = "loss (bits per character)"

COLOURS = ("#000000", "#8a1250", "#0068a8", "#c95700", "#1f9a6a", "#bb8b00")
"""From dark to light, so that they differ in grey, too; all have a contrast of 3:1 with white (WCAG 2.2, 1.4.11)."""

_DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
_MARKERS = "os^Dv"


@dataclass(frozen=True)
class CurvePlot:
    """How curves over whole numbers are drawn.

    Attributes:
        first: the place of each curve's first value.
        names: what a curve is called, where its own name needs words.
    """

    title: str
    x: str
    y: str
    first: int = 1
    is_logarithmic: bool = True
    names: Mapping[str, str] | None = None


def plot_curves(curves: Mapping[str, Sequence[float]], path: Path, look: CurvePlot) -> None:
    """Draws curves."""
    with _panels(path, title=look.title) as (axes,):
        for number, (name, values) in enumerate(curves.items()):
            places = range(look.first, look.first + len(values))
            axes.plot(places, values, label=_plain((look.names or {}).get(name, name)), **_look(number))
        axes.set(xlabel=look.x, ylabel=look.y)
        if look.is_logarithmic:
            axes.set_yscale("log")
            _write_numbers_out(axes)
        _whole_numbers(axes)
        axes.legend(fontsize=8)


def plot_agreement(results: "Sequence[CellAgreement]", path: Path) -> None:
    """Draws the share of right verbs by their distance to the subject, a line for each cell."""
    with _panels(path, title="Does the network remember if the subject was singular or plural?") as (axes,):
        for number, each in enumerate(results):
            axes.plot(
                [answer.distance for answer in each.answers],
                [100 * answer.right for answer in each.answers],
                label=each.cell,
                **_look(number, marked=True),
            )
        axes.axhline(50, color="grey", linewidth=0.8)
        axes.annotate("guessing", (1, 50), xycoords=("axes fraction", "data"), ha="right", va="bottom", fontsize=8)
        lowest = min(100 * answer.right for each in results for answer in each.answers)
        axes.set(xlabel="characters from subject to verb", ylabel="right verbs (%)", ylim=(min(40, lowest - 2), 102))
        axes.legend(fontsize=8)


def plot_gates(activities: "Sequence[GateActivity]", path: Path) -> None:
    """Draws a panel for each gate: its units by how often they are left- and right-saturated."""
    names = list(dict.fromkeys(each.gate for each in activities))
    title = "How often the gate of each unit is nearly open or nearly shut (one point a unit)"
    with _panels(path, title=title, width=3.2 * len(names), number=len(names)) as panels:
        for axes, name in zip(panels, names, strict=True):
            for number, each in enumerate(each for each in activities if each.gate == name):
                left, right = ([100 * share for share in shares] for shares in zip(*each.per_unit, strict=True))
                points: dict[str, Any] = {"color": COLOURS[number % len(COLOURS)], "marker": _MARKERS[number % 5]}
                axes.scatter(right, left, s=9, alpha=0.6, label=f"layer {each.layer + 1}", **points)
            axes.plot([0, 100], [100, 0], color="grey", linewidth=0.5)
            axes.set(title=f"{name} gate", xlabel="above 0.9 (% of symbols)", xlim=(0, 100), ylim=(0, 100))
            axes.legend(fontsize=7)
        panels[0].set_ylabel("below 0.1 (% of symbols)")


def plot_comparison(results: "Sequence[VariantResult]", path: Path) -> None:
    """Draws bits per character by number of layers: a panel for each size, a line for each kind of model.

    A model without layers is a horizontal line; bars are spreads over seeds.
    """
    from charlm.runs.compare.result import over_seeds

    scored = [each for each in over_seeds(results) if each.mean.bits is not None]
    kinds = list(dict.fromkeys(each.mean.kind for each in scored))
    sizes = list(dict.fromkeys(each.mean.size for each in scored if each.mean.layers is not None)) or [None]
    text = "test" if any(each.mean.test is not None for each in scored) else "validation"
    title = f"Loss of each model on the {text} text (lower is better)"
    with _panels(path, title=title, width=2.2 + 3.2 * len(sizes), number=len(sizes)) as panels:
        for axes, size in zip(panels, sizes, strict=True):
            depths = sorted({each.mean.layers for each in scored if each.mean.layers and each.mean.size == size})
            for number, kind in enumerate(kinds):
                variants = [each for each in scored if each.mean.kind == kind]
                line = sorted(
                    (each.mean.layers, each.mean.bits or 0.0, each.spread or 0.0)
                    for each in variants
                    if each.mean.layers and each.mean.size == size
                )
                if line:
                    x, y, spreads = zip(*line, strict=True)
                    bars = spreads if any(spreads) else None
                    axes.errorbar(x, y, yerr=bars, capsize=3, label=kind, **_look(number, marked=True))
                for each in variants:
                    if each.mean.layers is None:
                        axes.axhline(each.mean.bits or 0.0, label=f"{kind} (no layers)", **_look(number))
            if depths:
                axes.set(xticks=depths, xlim=(min(depths) - 0.5, max(depths) + 0.5), xlabel="layers")
            else:
                axes.set_xticks([])
            if size is not None:
                first = next(each.kind for each in results if each.layers is not None)
                axes.set_title(f"as many parameters as {first} with {size} units", fontsize=9)
        panels[0].set_ylabel(_LOSS)
        if scored:
            panels[-1].legend(fontsize=8)


def plot_trials(findings: "Findings", path: Path) -> None:
    """Draws the bits of each trial of a search, and of the best one until then; given up ones are marked apart."""
    rows = sorted(findings.trials, key=lambda each: each.number)
    with _panels(path, title="Trials of a search over settings") as (axes,):
        finished = [(each.number, each.bits) for each in rows if each.state == "finished" and each.bits is not None]
        pruned = [(each.number, each.bits) for each in rows if each.state == "pruned" and each.bits is not None]
        best = [(number, min(bits for other, bits in finished if other <= number)) for number, _ in finished]
        axes.scatter(*zip(*finished, strict=True), label="finished", color=COLOURS[0], marker="o", s=18)
        if pruned:
            axes.scatter(
                *zip(*pruned, strict=True), label="given up, as last evaluated", color=COLOURS[5], marker="x", s=18
            )
        axes.plot(*zip(*best, strict=True), label="best so far", drawstyle="steps-post", **_look(2))
        if findings.usual is not None and findings.usual.bits is not None:
            axes.axhline(findings.usual.bits, label="what charlm train chooses", **_look(3))
        axes.set(xlabel="trial", ylabel=f"bits per {'character' if findings.unit == 'char' else findings.unit}")
        _whole_numbers(axes)
        axes.legend(fontsize=8)


def chosen_lines(curves: "Sequence[Curve]", *, over: Axis) -> list[Line]:
    """Returns the lines to draw: all of one run; of several, the validation losses, where a run has any."""
    runs = list(dict.fromkeys(curve.run for curve in curves))
    validated = {curve.run for curve in curves if curve.text == "validation"}
    lines = []
    for curve in curves:
        if len(runs) > 1 and curve.text == "training" and curve.run in validated:
            continue
        name = f"{curve.text} loss" if curve.model is None else f"{curve.text} loss, {curve.model}"
        name = name if len(runs) == 1 else f"{curve.run}, {name}"
        points = curve.points
        lines.append(Line(name, [getattr(each, over) for each in points], [each.bits_per_character for each in points]))
    return lines


def name_loss(curves: "Sequence[Curve]") -> str:
    """Returns what the losses of runs are, with what they are counted by."""
    units = dict.fromkeys("character" if curve.unit == "char" else curve.unit for curve in curves)
    return f"loss (bits per {' or '.join(units)})"


def plot_losses(curves: "Sequence[Curve]", path: Path, *, over: Axis) -> None:
    """Draws the losses of runs over their training."""
    from matplotlib.ticker import FuncFormatter

    lines = chosen_lines(curves, over=over)
    runs = list(dict.fromkeys(curve.run for curve in curves))
    title = f"Losses of {runs[0]}" if len(runs) == 1 else "Losses of several runs"
    with _panels(path, title=title, width=7.5) as (axes,):
        for number, line in enumerate(lines):
            is_dense = len(line.x) > 40
            axes.plot(line.x, line.y, label=_plain(line.name), **_look(number, marked=not is_dense))
        low, high = visible_range(lines)
        if high > low:
            axes.set_ylim(low - 0.04 * (high - low), high + 0.04 * (high - low))
        places = {x for line in lines for x in line.x}
        if len(places) == 1:
            # As on a terminal, from 0 on; Matplotlib would show a hundredth around it.
            axes.set_xlim(0, 2 * max(places) or 1)
        if over == "steps":
            _whole_numbers(axes)
        axes.set(xlabel=AXES[over], ylabel=name_loss(curves))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
        axes.legend(fontsize=8)


def _look(number: int, *, marked: bool = False) -> dict[str, Any]:
    look: dict[str, Any] = {"color": COLOURS[number % len(COLOURS)], "linestyle": _DASHES[number % len(_DASHES)]}
    return look | {"linewidth": 1.5} | ({"marker": _MARKERS[number % len(_MARKERS)], "markersize": 4} if marked else {})


def _plain(text: str) -> str:
    """Returns a text that is drawn as it is: a dollar sign would begin a formula, an underscore hide a label."""
    return ("\N{ZERO WIDTH SPACE}" if text.startswith("_") else "") + visible(text).replace("$", r"\$")


def _write_numbers_out(axes: "Axes") -> None:
    """Labels a logarithmic scale with numbers such as 0.02, not with powers of ten."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, high = axes.get_ylim()
    few_decades = high < 30 * low
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if few_decades else (1.0,), numticks=12))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}" if value >= 1 else f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _whole_numbers(axes: "Axes") -> None:
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


@contextmanager
def _panels(path: Path, *, title: str, width: float = 6.4, number: int = 1) -> "Iterator[Sequence[Axes]]":
    """Gives panels side by side with one vertical axis, and writes them into a file."""
    from matplotlib.figure import Figure

    # Not pyplot: it keeps every figure, and asks for a screen.
    figure = Figure(figsize=(width, 4), layout="constrained")
    axes = figure.subplots(1, number, sharey=True, squeeze=False)
    with warnings.catch_warnings():
        # Of characters that the font has not; they are drawn as boxes.
        warnings.simplefilter("ignore", UserWarning)
        yield axes[0]
        for each in axes[0]:
            each.grid(color="0.9", linewidth=0.6)
            each.set_axisbelow(True)
        figure.suptitle(_plain(title), fontsize=11)
        try:
            figure.savefig(path, dpi=130)
        except OSError as error:
            raise CharlmError(f"'{path}' cannot be drawn into: {error.strerror or error}.") from None
        except ValueError as error:
            raise ConfigError(f"'{path}' cannot be drawn into: {error}.") from None
