"""Commands whose help is laid out by charlm: Rich's, which Typer uses, takes longer to load than to read."""

import inspect
import shlex
import shutil
import sys
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from charlm.cli.display.text import may_colour
from charlm.notation import either, nearest
from charlm.runs.stored.workspace import Workspace


def flowing(text: str) -> str:
    """Returns a docstring with each paragraph in one line, to be broken where a terminal ends."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in inspect.cleandoc(text).split("\n\n"))


def with_nearest(message: str, name: str, known: Iterable[str]) -> str:
    """Returns a message about a name that is not known, with the one that was meant, if one is nearly the same."""
    near = nearest(name, known)
    return message if near is None else f"{message.rstrip('.')}. Did you mean '{near}'?"


class _ReadableHelp:
    """Shows flags without a type, and the help as `lay_out` does."""

    def get_help_option(self, ctx: Any) -> Any:
        option = super().get_help_option(ctx)  # type: ignore[misc]
        # Typer would load pydantic to learn that None is no bool.
        option.default = False
        return option

    def get_params(self, ctx: Any) -> list[Any]:
        parameters: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for each in parameters:
            if getattr(each, "is_flag", False) and each.metavar is None:
                each.metavar = ""
        return parameters

    def format_help(self, ctx: Any, formatter: Any) -> None:
        from charlm.cli.display.help_page import FEWEST_COLUMNS, lay_out, page_of

        width = shutil.get_terminal_size().columns
        has_lines = (sys.stdout.encoding or "utf-8").lower().startswith("utf")
        boxed = has_lines and width >= FEWEST_COLUMNS
        formatter.write(lay_out(page_of(self, ctx), width=width, colour=may_colour(sys.stdout), boxed=boxed))


class ReadableCommand(_ReadableHelp, TyperCommand):
    """A command with such a help."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Returns the words that no parameter took; defaults, which are right as they are, are not checked."""
        # Typer would have pydantic compile a validator for each of up to eighty options, given or not.
        parameters: list[Any] = list(self.params)
        for each in parameters:
            each.get_runtime_param = partial(_IfTyped, each.get_runtime_param)
        return super().parse_args(ctx, args)


class _IfTyped:
    """Checks the value of a parameter as Typer does, if it was typed."""

    def __init__(self, checked_by: Callable[[], Any]) -> None:
        self._checked_by = checked_by

    def coerce(self, value: Any, *, param: Any, ctx: Any) -> Any:
        if ctx.get_parameter_source(param.name).name == "COMMANDLINE":
            return self._checked_by().coerce(value, param=param, ctx=ctx)
        return () if value is None and (param.multiple or param.nargs == -1) else value


class ReadableGroup(_ReadableHelp, TyperGroup):
    """A group of commands with such a help."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Returns the name of a command, the command, and the arguments after it."""
        try:
            return super().resolve_command(ctx, args)
        except typer.TyperException as error:
            if args:
                message = with_nearest(error.message, args[0], self.commands)
                error.message = message if message != error.message else self.with_advice(message, args[0], ctx)
            raise

    def with_advice(self, message: str, name: str, ctx: Any) -> str:
        """Returns a message about a command that is not known, with what else may have been meant."""
        return message


class GroupOfRuns(ReadableGroup):
    """A group of commands that are about a run."""

    def with_advice(self, message: str, name: str, ctx: Any) -> str:
        """Returns the message, with the command that a run's name needs before it."""
        if not (Workspace().checkpoints / name).is_dir():
            return message
        first, *others = self.commands
        command = f"{ctx.command_path} {first} {shlex.quote(name)}"
        return f"{message.rstrip('.')}. For the run '{name}': {command}, or {either(others)}"
