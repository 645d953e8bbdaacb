"""`charlm info`, `charlm verify` and `charlm export`: what a run says of itself, its files, and its model elsewhere."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from charlm.cli.display.console import plain_console
from charlm.cli.display.results import print_description, print_verification
from charlm.cli.display.text import print_json, print_line
from charlm.cli.parameters import Json, Run
from charlm.files.writing import is_stream
from charlm.runs.stored.workspace import Workspace


def info(*, run: Run, json: Json = False) -> None:
    """Describes RUN: its text, its model and its training."""
    from charlm.runs.info import describe

    description = describe(run, Workspace())
    if json:
        print_json(description.to_json())
    else:
        print_description(plain_console(sys.stdout), description)


def verify(*, run: Run, json: Json = False) -> None:
    """Checks every file of RUN against its checksum, and lists what is still usable; exits with 1 if one is damaged."""
    from charlm.runs.verify import verify_run

    report = verify_run(run, Workspace())
    if json:
        print_json(report.to_json())
    else:
        print_verification(plain_console(sys.stdout), report)
    if not report.is_whole:
        raise typer.Exit(1)


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
    from charlm.runs.export import export_arpa

    chosen = f"{Path(run).name}.arpa" if output is None else output
    export_arpa(run, sys.stdout.buffer if chosen == "-" else Path(chosen), Workspace())
    if chosen != "-" and not is_stream(Path(chosen)):
        print_line(chosen, sys.stdout)
