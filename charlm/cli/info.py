"""`charlm info`."""

import sys

from charlm.cli.parameters import Json, Run


def info(*, run: Run, json: Json = False) -> None:
    """Says what RUN is: its text, model, training and scores."""
    from charlm.cli.console import plain_console, print_json
    from charlm.cli.interrupts import interruptible
    from charlm.cli.results import print_description

    with interruptible():
        from charlm.runs.info import describe
        from charlm.runs.stored.workspace import Workspace

        description = describe(run, Workspace())
    if json:
        print_json(description.to_json())
    else:
        print_description(plain_console(sys.stdout), description)
