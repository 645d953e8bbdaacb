"""Arguments and options that several commands share, and what they read."""

import sys
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from charlm.cli.completion import run_names, texts
from charlm.errors import ConfigError

Run = Annotated[
    str,
    typer.Argument(
        metavar="RUN", help="Name of a run under checkpoints/, or the path of one.", autocompletion=run_names
    ),
]
Texts = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="TEXT",
        help="Files, folders, globs, '-' for stdin, or a corpus from 'charlm data list'.",
        autocompletion=texts,
    ),
]
Json = Annotated[bool, typer.Option("--json", metavar="", help="Print the result as JSON, alone on standard output.")]
Plot = Annotated[
    Path | None, typer.Option("--plot", metavar="FILE", help="Draw it into this file (needs the extra `plots`).")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", metavar="", help="Print nothing but errors and results.")]


def standard_input(*specs: str) -> BinaryIO | None:
    """Returns standard input if one of the texts is '-'.

    Raises:
        ConfigError: it is a terminal, so that reading would wait for ever.
    """
    if "-" not in specs:
        return None
    if sys.stdin.isatty():
        raise ConfigError("'-' reads standard input, which is a terminal; pipe a text into charlm, or name a file.")
    return sys.stdin.buffer


def read_prompt(prompt: str | None, file: str | None) -> str:
    """Returns the prompt: as typed, or from a file or standard input ('-' for either); empty without one.

    Raises:
        ConfigError: both are given, or the file cannot be read as UTF-8.
    """
    if prompt is not None and file is not None:
        raise ConfigError("--prompt and --prompt-file both give the prompt; use one of them.")
    if prompt is not None and prompt != "-":
        return prompt
    if prompt is None and file is None:
        return ""
    stdin = standard_input("-" if file is None else file)
    try:
        data = Path(file).read_bytes() if stdin is None and file is not None else stdin.read() if stdin else b""
    except OSError as error:
        raise ConfigError(f"--prompt-file '{file}' cannot be read: {error.strerror}.") from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        source = "standard input" if stdin else f"--prompt-file '{file}'"
        raise ConfigError(f"The prompt from {source} is not UTF-8 (at byte {error.start}); convert it first.") from None
