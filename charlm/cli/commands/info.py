"""`charlm info`: a description of a run, or of two side by side."""

import sys
from typing import Annotated

import typer

from charlm.cli.completion import run_names
from charlm.cli.display.console import plain_console
from charlm.cli.display.runs import print_descriptions
from charlm.cli.display.text import print_json
from charlm.cli.parameters import Json, Run
from charlm.cli.startup import fast_imports
from charlm.runs.stored.workspace import Workspace


def info(
    *,
    run: Run,
    other: Annotated[
        str | None,
        typer.Argument(
            metavar="OTHER", help="A second run, to be shown beside it.", autocompletion=run_names, show_default=False
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Describes RUN: its text, its model, its training and its scores; with OTHER, two runs side by side."""
    with fast_imports():
        from charlm.runs.info import describe

    descriptions = [describe(each, Workspace()) for each in (run, other) if each is not None]
    if json:
        values = [each.to_json() for each in descriptions]
        print_json(values[0] if other is None else values)
    else:
        print_descriptions(plain_console(sys.stdout), descriptions)
