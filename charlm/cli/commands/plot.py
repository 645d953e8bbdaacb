"""`charlm plot`: the losses of runs over their training, on the terminal or in a file."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from charlm.cli.completion import run_names
from charlm.cli.display.axes import AXES, Axis
from charlm.cli.display.text import print_json
from charlm.cli.parameters import Json, picture_file
from charlm.runs.stored.workspace import Workspace


def plot(
    *,
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN", help="Names of runs under checkpoints/, or their paths.", autocompletion=run_names
        ),
    ],
    over: Annotated[Axis, typer.Option("--over", help="The horizontal axis.")] = "steps",
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Draw into this file, a .png, .svg, .pdf or .jpg (needs the extra `plots`), instead of the terminal.",
            callback=picture_file,
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Draws the losses of one or several runs over their training, in bits per character, or per label of a --task.

    One run shows its training and its validation loss, several their validation losses. A mixture and its network alone
    have a curve each.
    """
    from charlm.cli.display.chart import print_chart
    from charlm.cli.display.console import plain_console
    from charlm.cli.display.plots import chosen_lines, name_loss, plot_losses
    from charlm.runs.plot import loss_curves

    curves = loss_curves(runs, Workspace())
    if output is not None:
        plot_losses(curves, output, over=over)
    if json:
        print_json([asdict(each) for each in curves])
    elif output is None:
        print_chart(plain_console(sys.stdout), chosen_lines(curves, over=over), x=AXES[over], y=name_loss(curves))
