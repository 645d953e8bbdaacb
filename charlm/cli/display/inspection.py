"""The results of `charlm inspect` as tables and sentences."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console

from charlm.cli.display.formatting import sparkline
from charlm.cli.display.tables import plain_table
from charlm.notation import counted

if TYPE_CHECKING:
    from charlm.evaluation.gates import GateActivity
    from charlm.runs.inspect.agreement import CellAgreement
    from charlm.runs.inspect.gradients import GradientCurve


def gradient_curves(curves: "Sequence[GradientCurve]") -> dict[str, tuple[float, ...]]:
    """Returns the gradient norms of each cell, by its name and the training it has had."""
    trainings = [counted(curve.steps, "step") if curve.steps else "first weights" for curve in curves]
    return {f"{curve.cell}, {training}": curve.norms for curve, training in zip(curves, trainings, strict=True)}


def print_clipping(console: Console, curves: "Sequence[GradientCurve]", *, clip_norm: float) -> None:
    """Prints for each trained cell its largest gradient, and how often gradients were clipped."""
    for curve in curves:
        if curve.largest is not None and curve.clipped is not None:
            console.print(
                f"{curve.cell}: largest gradient in training {curve.largest:.2f}, cut to {clip_norm:g} "
                f"in {curve.clipped:.0%} of the steps",
                soft_wrap=True,
            )


def print_agreement(console: Console, results: "Sequence[CellAgreement]") -> None:
    """Prints for each length of the clause how often each cell preferred the right verb."""
    rows = [
        (str(answers[0].things), f"{answers[0].distance:.0f}", *(f"{answer.right:.1%}" for answer in answers))
        for answers in zip(*(each.answers for each in results), strict=True)
    ]
    console.print(plain_table(("things", "characters", *(each.cell for each in results)), rows))


def print_gates(console: Console, activities: "Sequence[GateActivity]") -> None:
    """Prints for each gate how often it is nearly shut or nearly open, and a histogram of its activations."""
    rows = [
        (
            str(each.layer + 1),
            each.gate,
            f"{each.left_saturated:.1%}",
            f"{each.right_saturated:.1%}",
            sparkline(each.histogram),
        )
        for each in activities
    ]
    console.print(plain_table(("layer", "gate", "below 0.1", "above 0.9", "0 … 1"), rows))
