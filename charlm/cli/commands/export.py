"""`charlm export`: a run's model in a format of others."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from charlm.cli.display.text import print_line
from charlm.cli.parameters import Run
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
