"""`charlm list`: every run, a line each."""

import sys

from charlm.cli.display.console import plain_console
from charlm.cli.display.runs import print_runs
from charlm.cli.display.text import print_json
from charlm.cli.parameters import Json
from charlm.cli.startup import fast_imports
from charlm.runs.stored.workspace import Workspace


def list_runs(*, json: Json = False) -> None:
    """Lists every run under checkpoints/, the newest first: its text, its model, its scores and how far it is.

    Scores are bits per character of the best model on the validation and the test text.
    """
    with fast_imports():
        from charlm.runs.list import list_all

        # Inside, too: the headers of many runs are many objects, and none of them is garbage.
        rows = list_all(Workspace())
    if json:
        print_json([row.to_json() for row in rows])
    else:
        print_runs(plain_console(sys.stdout), rows)
