"""`charlm verify`: a check of every file of a run."""

import sys

import typer

from charlm.cli.display.console import plain_console
from charlm.cli.display.runs import print_verification
from charlm.cli.display.text import print_json
from charlm.cli.parameters import Json, Run
from charlm.cli.startup import fast_imports
from charlm.runs.stored.workspace import Workspace


def verify(*, run: Run, json: Json = False) -> None:
    """Checks every file of RUN against its checksum, and lists what is still usable; exits with 1 if one is damaged."""
    with fast_imports():
        from charlm.runs.verify import verify_run

    report = verify_run(run, Workspace())
    if json:
        print_json(report.to_json())
    else:
        print_verification(plain_console(sys.stdout), report)
    if not report.is_whole:
        raise typer.Exit(1)
