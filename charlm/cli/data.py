"""`charlm data`: list, fetch, prepare and show corpora."""

import sys
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from charlm.cli.completion import catalogue_names, texts
from charlm.cli.evaluate import READING
from charlm.cli.options import settings_options
from charlm.cli.parameters import Json, Quiet, standard_input
from charlm.cli.settings import section_config
from charlm.config import DataConfig, TokenizerConfig

_Texts = Annotated[
    list[str],
    typer.Argument(
        metavar="TEXT",
        help="Files, folders, globs, '-' for stdin, or a corpus from 'charlm data list'.",
        autocompletion=texts,
    ),
]


def list_corpora(*, json: Json = False) -> None:
    """Lists the corpora that are known by name, and which of them are here."""
    from charlm.cli.console import plain_console, print_json
    from charlm.cli.results import corpus_json, print_corpora
    from charlm.runs.corpora import listing
    from charlm.runs.stored.workspace import Workspace

    rows = listing(Workspace())
    if json:
        print_json([corpus_json(row) for row in rows])
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
    """Downloads a corpus into data/, and verifies it."""
    from charlm.cli.console import make_display
    from charlm.cli.interrupts import interruptible

    with interruptible():
        from charlm.runs import corpora
        from charlm.runs.stored.workspace import Workspace

        path = corpora.fetch(name, Workspace(), make_display(quiet=quiet))
    sys.stdout.write(f"{path}\n")


@settings_options(DataConfig, TokenizerConfig)
def prepare(*, ctx: typer.Context, flags: Mapping[str, Any], text: _Texts, quiet: Quiet = False) -> None:
    """Encodes TEXT under data/ as a training would, and says what came of it."""
    data = section_config(DataConfig, {"corpus": tuple(text), **flags})
    tokenizer = section_config(TokenizerConfig, flags)
    stdin = standard_input(*data.corpus, *data.valid, *data.test)

    from charlm.cli.console import make_display, plain_console
    from charlm.cli.interrupts import interruptible
    from charlm.cli.results import print_rows

    with interruptible():
        from charlm.runs import corpora
        from charlm.runs.stored.workspace import Workspace

        prepared = corpora.prepare(data, tokenizer, Workspace(), make_display(quiet=quiet), stdin=stdin)
    print_rows(plain_console(sys.stdout), prepared.rows)


@settings_options((DataConfig, READING))
def show(
    *,
    ctx: typer.Context,
    flags: Mapping[str, Any],
    text: _Texts,
    characters: Annotated[
        int, typer.Option("--characters", "-n", min=1, max=1_000_000, help="How much of the beginning to print.")
    ] = 500,
    quiet: Quiet = False,
) -> None:
    """Prints what is known of a corpus or TEXT, and how it begins."""
    data = section_config(DataConfig, {"corpus": tuple(text), **flags})
    stdin = standard_input(*data.corpus)

    from charlm.cli.console import make_display, plain_console
    from charlm.cli.interrupts import interruptible
    from charlm.cli.results import print_excerpt, print_rows

    with interruptible():
        from charlm.runs import corpora
        from charlm.runs.stored.workspace import Workspace

        preview = corpora.show(data, Workspace(), make_display(quiet=quiet), characters=characters, stdin=stdin)
    console = plain_console(sys.stdout)
    print_rows(console, preview.rows)
    console.print()
    print_excerpt(console, preview.excerpt)
