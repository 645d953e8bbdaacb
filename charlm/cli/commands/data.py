"""`charlm data`: corpora listed, fetched, prepared and shown."""

import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

import typer

from charlm.cli.completion import catalogue_names
from charlm.cli.display.text import print_json, print_line
from charlm.cli.options import settings_options
from charlm.cli.parameters import READING_SETTINGS, Json, Quiet, Texts, standard_input
from charlm.cli.settings import section_config
from charlm.config import TEXT_SETTINGS, DataConfig, TokenizerConfig
from charlm.runs.stored.workspace import Workspace


def list_corpora(*, json: Json = False) -> None:
    """Lists the corpora that have a name, and which of them are on this machine."""
    from charlm.cli.display.console import plain_console
    from charlm.cli.display.results import print_corpora
    from charlm.runs import corpora

    rows = corpora.listing(Workspace())
    if json:
        print_json([asdict(row) for row in rows])
    else:
        print_corpora(plain_console(sys.stdout), rows)


def fetch(
    *,
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="A corpus from 'charlm data list'.", autocompletion=catalogue_names),
    ],
    quiet: Quiet = False,
) -> None:
    """Downloads a corpus into data/ and checks that it is complete and unchanged."""
    from charlm.cli.display.progress import make_display
    from charlm.runs import corpora

    print_line(str(corpora.fetch(name, Workspace(), make_display(quiet=quiet))), sys.stdout)


@settings_options((DataConfig, TEXT_SETTINGS), TokenizerConfig)
def prepare(*, flags: Mapping[str, Any], text: Texts, quiet: Quiet = False) -> None:
    """Encodes TEXT under data/ as training would, and describes the result."""
    data = section_config(DataConfig, {"corpus": tuple(text), **flags})
    tokenizer = section_config(TokenizerConfig, flags)
    stdin = standard_input(*data.corpus, *data.valid, *data.test)

    from charlm.cli.display.console import plain_console
    from charlm.cli.display.progress import make_display
    from charlm.cli.display.tables import print_rows
    from charlm.runs import corpora

    rows = corpora.prepare(data, tokenizer, Workspace(), make_display(quiet=quiet), stdin=stdin)
    print_rows(plain_console(sys.stdout), rows)


@settings_options((DataConfig, READING_SETTINGS))
def show(
    *,
    flags: Mapping[str, Any],
    text: Texts,
    characters: Annotated[
        int,
        typer.Option("--characters", "-n", min=1, max=1_000_000, help="Number of characters to print."),
    ] = 500,
    quiet: Quiet = False,
) -> None:
    """Describes a corpus or TEXT, and prints its beginning."""
    data = section_config(DataConfig, {"corpus": tuple(text), **flags})
    stdin = standard_input(*data.corpus)

    from charlm.cli.display.console import plain_console
    from charlm.cli.display.progress import make_display
    from charlm.cli.display.results import print_excerpt
    from charlm.cli.display.tables import print_rows
    from charlm.runs import corpora

    preview = corpora.show(data, Workspace(), make_display(quiet=quiet), characters=characters, stdin=stdin)
    console = plain_console(sys.stdout)
    print_rows(console, preview.rows)
    console.print()
    print_excerpt(console, preview.excerpt)
