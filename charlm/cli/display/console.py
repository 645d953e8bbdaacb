"""Consoles for the two standard streams."""

import os
from typing import TextIO

from rich.console import Console
from rich.theme import Theme

_PIPE_WIDTH = 160
_THEME = Theme(dict.fromkeys(("progress.elapsed", "progress.remaining", "progress.percentage"), "none"))
"""Times in the terminal's own colour: Rich's yellow can hardly be read on a light one."""


def is_live(stream: TextIO) -> bool:
    """Returns whether the stream is a terminal whose lines can be redrawn."""
    # isatty, not Console.is_terminal: FORCE_COLOR makes that true of a pipe.
    return stream.isatty() and os.environ.get("TERM") != "dumb"


class _Console(Console):
    def on_broken_pipe(self) -> None:
        raise  # rich would exit with 1 instead.


def plain_console(stream: TextIO) -> Console:
    """Returns a console that prints every text literally; into a pipe it wraps lines at 160 characters."""
    width = None if stream.isatty() else _PIPE_WIDTH
    return _Console(file=stream, markup=False, highlight=False, emoji=False, width=width, theme=_THEME)


def print_sentence(console: Console, text: str, *, style: str = "none") -> None:
    """Prints sentences in one line; a terminal breaks it between words."""
    console.print(text, style=style, soft_wrap=not console.file.isatty())
