"""`charlm export`: a run's model in another program's format."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from charlm.cli.parameters import Run


def arpa(
    *,
    run: Run,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="The file to write.", show_default="RUN.arpa")
    ] = None,
) -> None:
    """Writes the model of an n-gram run in ARPA format, which KenLM, SRILM and others read."""
    from charlm.cli.display.text import print_line
    from charlm.cli.interrupts import interruptible

    with interruptible():
        from charlm.runs.export import export_arpa
        from charlm.runs.stored.workspace import Workspace

        chosen = output or Path(f"{Path(run).name}.arpa")
        export_arpa(run, chosen, Workspace())
    print_line(str(chosen), sys.stdout)
