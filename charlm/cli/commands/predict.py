"""`charlm predict`: what a model says of examples."""

import sys
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from charlm.cli.display.progress import make_display
from charlm.cli.display.text import json_line, print_line
from charlm.cli.options import settings_options
from charlm.cli.parameters import Json, Run, standard_input
from charlm.cli.settings import section_config
from charlm.config import RunSettings
from charlm.runs.stored.workspace import Workspace

_MOST_SHOWN = 5


@settings_options((RunSettings, {"device"}))
def predict(
    *,
    flags: Mapping[str, Any],
    run: Run,
    text: Annotated[
        list[str] | None,
        typer.Argument(metavar="FILE", help="Files, globs, or '-' for standard input, which is answered line by line."),
    ] = None,
    probabilities: Annotated[
        bool, typer.Option("--probabilities", metavar="", help="Print the five likeliest labels with probabilities.")
    ] = False,
    json: Json = False,
) -> None:
    """Prints what the model of RUN says of each line of FILE, one prediction a line.

    What stands right of a tab is not read. An empty line gets an empty one.
    """
    files = tuple(text or ("-",))
    stdin = standard_input(*files)
    device = section_config(RunSettings, flags).device

    from charlm.runs.predict import predict as apply

    for each in apply(run, files, Workspace(), make_display(quiet=True), device=device, stdin=stdin):
        if json:
            print_line(
                json_line({"text": each.text, "label": each.label, "probabilities": each.probabilities}), sys.stdout
            )
        elif probabilities:
            shown = list(each.probabilities.items())[:_MOST_SHOWN]
            print_line("\t".join(f"{label}\t{share:.4f}" for label, share in shown), sys.stdout)
        else:
            print_line(each.label, sys.stdout)
        if files == ("-",):
            sys.stdout.flush()
