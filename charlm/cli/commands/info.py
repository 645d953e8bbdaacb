"""`charlm info`: a description of a run."""

import sys

from charlm.cli.display.console import plain_console
from charlm.cli.display.results import print_description
from charlm.cli.display.text import print_json
from charlm.cli.parameters import Json, Run
from charlm.runs.stored.workspace import Workspace


def info(*, run: Run, json: Json = False) -> None:
    """Describes RUN: its text, its model and its training."""
    from charlm.runs.info import describe

    description = describe(run, Workspace())
    if json:
        print_json(description.to_json())
    else:
        print_description(plain_console(sys.stdout), description)
