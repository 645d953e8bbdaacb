"""Arguments and options that several commands share, and the texts that they name."""

import importlib.util
import sys
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from charlm.cli.completion import run_names, texts
from charlm.errors import CharlmError, ConfigError

READING_SETTINGS = {"pattern", "encoding", "newlines", "normalize"}
"""Settings of DataConfig for reading any text, in training or not."""


PICTURES = (".png", ".svg", ".pdf", ".jpg", ".webp", ".eps")
"""What the names of pictures may end in."""


def picture_file(plot: Path | None) -> Path | None:
    """Returns the file to draw into; what it is for may take long, and so it is checked first.

    Raises:
        ConfigError: its name is not that of a picture, its folder is not there, or Matplotlib is not installed.
    """
    if plot is None:
        return None
    if plot.suffix.lower() not in PICTURES:
        endings = f"{', '.join(PICTURES[:-1])} or {PICTURES[-1]}"
        raise ConfigError(f"'{plot}' cannot be drawn into: its name should end in {endings}.")
    if not plot.parent.is_dir():
        raise ConfigError(f"'{plot}' cannot be drawn into: there is no folder '{plot.parent}'.")
    if importlib.util.find_spec("matplotlib") is None:
        raise ConfigError("Drawing into a file needs Matplotlib; install it with: pip install 'charlm[plots]'")
    return plot


_TEXT = typer.Argument(
    metavar="TEXT",
    help="Files, folders, globs, '-' for stdin, or a corpus from 'charlm data list'.",
    autocompletion=texts,
)

Run = Annotated[
    str,
    typer.Argument(metavar="RUN", help="Name of the run under checkpoints/, or its path.", autocompletion=run_names),
]
Texts = Annotated[list[str], _TEXT]
OptionalTexts = Annotated[list[str] | None, _TEXT]
Json = Annotated[bool, typer.Option("--json", metavar="", help="Print the result as JSON, alone on standard output.")]
Plot = Annotated[
    Path | None,
    typer.Option(
        "--plot",
        metavar="FILE",
        help="Draw the result into this file, a .png, .svg, .pdf or .jpg (needs the extra `plots`).",
        callback=picture_file,
    ),
]
Force = Annotated[bool, typer.Option("--force", metavar="", help="Replace the file if it is there already.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", metavar="", help="Print nothing but errors and results.")]


def standard_input(*specs: str) -> BinaryIO | None:
    """Returns standard input if one of the texts is '-', else None; a terminal is a ConfigError, not waited for."""
    if "-" not in specs:
        return None
    if sys.stdin.isatty():
        raise ConfigError("'-' reads standard input, which is a terminal; pipe a text into charlm, or name a file.")
    return sys.stdin.buffer


def read_prompt(prompt: str | None, file: str | None) -> str:
    """Returns the prompt from the command line, a file, or standard input ('-'); empty without one.

    Raises:
        CharlmError: the file cannot be read, or the prompt is not UTF-8.
        ConfigError: both options are given.
    """
    if prompt is not None and file is not None:
        raise ConfigError("--prompt and --prompt-file both give the prompt; use one of them.")
    if file is None and prompt != "-":
        return prompt or ""
    stdin = standard_input("-" if file is None else file)
    try:
        data = stdin.read() if stdin is not None else Path(file or "").read_bytes()
    except OSError as error:
        raise CharlmError(f"--prompt-file '{file}' cannot be read: {error.strerror}.") from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        source = "standard input" if stdin else f"--prompt-file '{file}'"
        raise CharlmError(f"The prompt from {source} is not UTF-8 (at byte {error.start}); convert it first.") from None
