"""`charlm predict`: what a model says of examples."""

import sys
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from charlm.cli.display.lines import LineDisplay
from charlm.cli.display.text import json_line, print_line
from charlm.cli.options import settings_options
from charlm.cli.parameters import Json, Run, standard_input
from charlm.cli.settings import section_config
from charlm.config import RunSettings
from charlm.runs.stored.workspace import Workspace

_MOST_SHOWN = 5
_EMPTY = "(empty)"


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
        bool,
        typer.Option(
            "--probabilities",
            metavar="",
            help="Print the five likeliest with their probabilities; (empty) is an answer without a symbol.",
        ),
    ] = False,
    beam: Annotated[
        int | None,
        typer.Option("--beam", min=1, max=1000, metavar="<int>", help="Answers weighed up side by side.  [default: 5]"),
    ] = None,
    sentences: Annotated[
        bool,
        typer.Option(
            "--sentences", metavar="", help="Each line is a sentence of tokens with spaces between, not one token."
        ),
    ] = False,
    header: Annotated[
        bool | None,
        typer.Option(
            "--header/--no-header",
            metavar="",
            help="Leave out the first line of each FILE, which names the columns.  "
            "[default: as RUN was trained; standard input has none]",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Prints what the model of RUN says of each line of FILE, one prediction a line.

    Of a line with a label, the label is not read; an empty line gets an empty one. Sentences in columns come back with
    their tags as a further last column.
    """
    files = tuple(text or ("-",))
    stdin = standard_input(*files)
    device = section_config(RunSettings, flags).device

    from charlm.runs.predict.apply import predict as apply

    answers = apply(
        run,
        files,
        Workspace(),
        LineDisplay(sys.stderr),
        device=device,
        beam=beam,
        are_ranked=probabilities,
        are_sentences=sentences,
        header=header,
        stdin=stdin,
    )
    for each in answers:
        if json:
            if each.values is not None:
                print_line(json_line(each.values), sys.stdout)
        elif probabilities and each.likeliest:
            shown = list(each.likeliest.items())[:_MOST_SHOWN]
            print_line("\t".join(f"{label or _EMPTY}\t{share:.4f}" for label, share in shown), sys.stdout)
        else:
            print_line(each.line, sys.stdout)
        if files == ("-",):
            sys.stdout.flush()
