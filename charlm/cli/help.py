"""Commands whose help can be read on narrow terminals, too."""

import inspect
import shutil
from collections.abc import Iterable
from typing import Any

import typer
from typer.core import MarkupMode, TyperCommand, TyperGroup

from charlm.notation import nearest

_FEWEST_COLUMNS = 80
"""Below it, the panels of the help leave no room for names, and cut them short."""


def flowing(text: str) -> str:
    """Returns a docstring with each paragraph in one line, to be broken where a terminal ends."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in inspect.cleandoc(text).split("\n\n"))


def with_nearest(message: str, name: str, known: Iterable[str]) -> str:
    """Returns a message about a name that is not known, with the one that was meant, if one is nearly the same."""
    near = nearest(name, known)
    return message if near is None else f"{message.rstrip('.')}. Did you mean '{near}'?"


class _ReadableHelp:
    """Shows flags without a type, and on narrow terminals options one below the other instead of in panels."""

    rich_markup_mode: MarkupMode

    def get_params(self, ctx: Any) -> list[Any]:
        parameters: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for each in parameters:
            if getattr(each, "is_flag", False) and each.metavar is None:
                each.metavar = ""
        return parameters

    def format_help(self, ctx: Any, formatter: Any) -> None:
        if shutil.get_terminal_size().columns < _FEWEST_COLUMNS:
            self.rich_markup_mode = None
        super().format_help(ctx, formatter)  # type: ignore[misc]


class ReadableCommand(_ReadableHelp, TyperCommand):
    """A command with such a help."""


class ReadableGroup(_ReadableHelp, TyperGroup):
    """A group of commands with such a help."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Returns the name of a command, the command, and the arguments after it."""
        try:
            return super().resolve_command(ctx, args)
        except typer.TyperException as error:
            if args:
                error.message = with_nearest(error.message, args[0], self.commands)
            raise
