"""`charlm export`: a run's model in a format of others."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from charlm.cli.display.progress import make_display
from charlm.cli.display.text import print_line
from charlm.cli.parameters import Quiet, Run
from charlm.config import Weights
from charlm.files.writing import is_stream
from charlm.runs.stored.workspace import Workspace


def arpa(
    *,
    run: Run,
    output: Annotated[
        # A string: as a path, './-' would be '-'.
        str | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="The file to write; '-' is stdout.", show_default="RUN.arpa"
        ),
    ] = None,
) -> None:
    """Writes the model of an n-gram run in ARPA format, which KenLM, SRILM and others read."""
    from charlm.runs.export.arpa import export_arpa

    chosen = f"{Path(run).name}.arpa" if output is None else output
    export_arpa(run, sys.stdout.buffer if chosen == "-" else Path(chosen), Workspace())
    if chosen != "-" and not is_stream(Path(chosen)):
        print_line(chosen, sys.stdout)


def page(
    *,
    run: Run,
    output: Annotated[
        # A string: as a path, './-' would be '-'.
        str | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="The file to write; '-' is stdout.", show_default="RUN.html"
        ),
    ] = None,
    weights: Annotated[
        Weights, typer.Option(help="int8 makes a page of a quarter of the size, whose network is slightly less exact.")
    ] = "float32",
    force: Annotated[
        bool, typer.Option("--force", metavar="", help="Replace the file if it is there already.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Writes a run as one page of HTML that works offline: it writes text, and shows what surprises the network.

    The network computes in the page, and nothing leaves it. Of a run with n-grams the page has the network alone.
    """
    from charlm.runs.export.page import export_page

    chosen = f"{Path(run).name}.html" if output is None else output
    target = sys.stdout.buffer if chosen == "-" else Path(chosen)
    export_page(run, target, Workspace(), make_display(quiet=quiet), weights=weights, overwrite=force)
    if chosen != "-" and not is_stream(Path(chosen)):
        print_line(chosen, sys.stdout)
