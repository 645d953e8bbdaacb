"""`charlm info`: a description of a run."""

import sys

from charlm.cli.parameters import Json, Run


def info(*, run: Run, json: Json = False) -> None:
    """Describes RUN: its text, its model and its training."""
    from charlm.cli.display.console import plain_console, print_json
    from charlm.cli.display.results import print_description
    from charlm.cli.interrupts import interruptible

    with interruptible():
        from charlm.runs.info import describe
        from charlm.runs.stored.workspace import Workspace

        description = describe(run, Workspace())
    if json:
        print_json(description.to_json())
    else:
        print_description(plain_console(sys.stdout), description)
