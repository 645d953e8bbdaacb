"""`charlm list`, `info` and `verify`: which runs there are, what they say, and whether they are whole."""

import sys
from typing import Annotated

import typer

from charlm.cli.completion import run_names
from charlm.cli.display.text import print_json
from charlm.cli.parameters import Json, Run
from charlm.cli.startup import fast_imports
from charlm.runs.stored.workspace import Workspace


def list_runs(*, json: Json = False) -> None:
    """Lists every run under checkpoints/, the newest first: its text, its model, its scores and how far it is.

    Scores are bits per character of the best model on the validation and the test text, or per label of a --task.
    """
    with fast_imports():
        from charlm.cli.display.console import plain_console
        from charlm.cli.display.runs import print_runs
        from charlm.runs.list import list_all

        # Inside, too: the headers of many runs are many objects, and none of them is garbage.
        rows = list_all(Workspace())
    if json:
        print_json([row.to_json() for row in rows])
    else:
        print_runs(plain_console(sys.stdout), rows)


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
        from charlm.cli.display.console import plain_console
        from charlm.cli.display.runs import print_descriptions
        from charlm.runs.info import describe

    descriptions = [describe(each, Workspace()) for each in (run, other) if each is not None]
    if json:
        values = [each.to_json() for each in descriptions]
        print_json(values[0] if other is None else values)
    else:
        print_descriptions(plain_console(sys.stdout), descriptions)


def verify(*, run: Run, json: Json = False) -> None:
    """Checks every file of RUN against its checksum, and lists what is still usable; exits with 1 if one is damaged."""
    with fast_imports():
        from charlm.cli.display.console import plain_console
        from charlm.cli.display.runs import print_verification
        from charlm.runs.verify import verify_run

    report = verify_run(run, Workspace())
    if json:
        print_json(report.to_json())
    else:
        print_verification(plain_console(sys.stdout), report)
    if not report.is_whole:
        raise typer.Exit(1)
