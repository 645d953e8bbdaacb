"""Commands run one after the other in one process, in milliseconds each, and what each must not do."""

import contextlib
import functools
import io
import signal
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import typer

import charlm.cli.app

LONGEST_SENTENCE = 2000
MOST_SECONDS = 60
"""A guard against hanging, no measure of speed: the process is ended."""


@dataclass(frozen=True)
class Told:
    """How a command ended, and what it told on the standard error."""

    code: int
    text: str


def reuse_parser(words: Sequence[str] | None = None, *, replace: Callable[..., None] = setattr) -> None:
    """Makes the command line's parser once in this process; making it takes longer than most commands.

    Args:
        words: the words of the only command that is run; None for several commands.
        replace: sets an attribute, and maybe puts the old value back later.
    """
    app = charlm.cli.app.build_app(words)
    replace(charlm.cli.app, "build_app", lambda words=None: app)
    replace(typer.main, "get_command", functools.cache(typer.main.get_command))


def run_here(command: str) -> Told:
    """Runs a command in this process; a traceback is a code of 99."""
    signal.alarm(MOST_SECONDS)
    told = io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(told):
        try:
            code = charlm.cli.app.run(command.split())
        except BaseException:
            traceback.print_exc()
            code = 99
    signal.alarm(0)
    return Told(code, told.getvalue())


def problem_of(command: str, told: Told) -> str | None:
    """Returns what is wrong with how a command ended: it may do its work, or refuse it in one sentence."""
    if told.code not in (0, 1, 2):
        return f"code {told.code}: {told.text[-LONGEST_SENTENCE:]}"
    if not told.code or command.startswith("verify"):
        return None
    sentences = sum(line.startswith("Error") for line in told.text.splitlines())
    if sentences != 1 or len(told.text) > LONGEST_SENTENCE:
        return f"{sentences} sentences: {told.text[:LONGEST_SENTENCE]}"
    return None
