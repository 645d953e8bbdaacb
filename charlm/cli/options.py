"""Command-line options generated from the configuration classes of charlm.config."""

import functools
import inspect
from collections.abc import Callable, Collection
from typing import Annotated, Any, Literal, get_origin

import typer
from pydantic.fields import FieldInfo

from charlm.config import Choices, Section, plain_type

ALIASES = {"learning_rate": ("--lr",), "length": ("-n",), "temperature": ("--temp",)}
"""Further names of options, by field."""

_Command = Callable[..., None]
_Decorator = Callable[[_Command], _Command]


def flag(name: str) -> str:
    """Returns the option that sets the field `name`: `hidden_size` -> `--hidden-size`."""
    return "--" + name.replace("_", "-")


def settings_options(*sections: type[Section] | tuple[type[Section], Collection[str]]) -> _Decorator:
    """Returns a decorator that gives a command one option for each field of `sections`.

    The command receives `flags`, a dictionary with the options on the command line and no defaults, so that a given
    value can be distinguished from a default. A required field becomes no option; the command declares an argument
    for it.

    Args:
        sections: configuration classes, or pairs of a class and the fields to take; each becomes a panel of the help.
    """
    generated: dict[str, inspect.Parameter] = {}
    for each in sections:
        section, chosen = each if isinstance(each, tuple) else (each, each.model_fields)
        panel = section.__name__.removesuffix("Config").removesuffix("Settings")
        for name, field in section.model_fields.items():
            if name in chosen and not field.is_required():
                generated[name] = _parameter(name, field, panel=panel)

    def decorate(command: _Command) -> _Command:
        own = [each for each in inspect.signature(command).parameters.values() if each.name != "flags"]

        @functools.wraps(command)
        def parsed(ctx: typer.Context, **values: Any) -> None:
            sources = {name: ctx.get_parameter_source(name) for name in generated}
            settings = {name: values.pop(name) for name in generated}
            typed = {name for name, source in sources.items() if source is not None and source.name == "COMMANDLINE"}
            command(flags={name: value for name, value in settings.items() if name in typed}, **values)

        context = inspect.Parameter("ctx", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
        parameters = [context, *own, *generated.values()]
        parsed.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        parsed.__annotations__ = {each.name: each.annotation for each in parameters}
        return parsed

    return decorate


def _parameter(name: str, field: FieldInfo, *, panel: str) -> inspect.Parameter:
    kind = _choices(field) or plain_type(field.annotation)
    parsed, shown = _parsed_type(kind)
    description, _, default_in_words = (field.description or "").partition("[default: ")
    option = typer.Option(
        f"{flag(name)}/--no-{flag(name)[2:]}" if kind is bool else flag(name),
        *ALIASES.get(name, ()),
        # Typer reads help as markup.
        help=description.strip().replace("[", r"\["),
        metavar=shown,
        # In a panel of their own: their two columns of names would narrow the help of all other options.
        rich_help_panel=f"{panel} switches" if kind is bool else panel,
        show_default=default_in_words.removesuffix("]") or True,
    )
    optional = field.default is None or field.default == ()
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None if optional else field.default,
        annotation=Annotated[parsed | None if optional else parsed, option],
    )


def _choices(field: FieldInfo) -> Any:
    """Returns a Literal of the values that a field allows; None for a field without such a list."""
    listed = [marker.values() for marker in field.metadata if isinstance(marker, Choices)]
    return Literal.__getitem__(listed[0]) if listed else None


def _parsed_type(kind: Any) -> tuple[Any, str | None]:
    """Returns the type that Typer parses, and its name in the help; None leaves the name to Typer.

    Numbers stay text: pydantic parses and checks them, from the command line as from a file.
    """
    if kind is bool:
        return bool, ""
    if kind in (int, float):
        return str, f"<{kind.__name__}>"
    if get_origin(kind) is tuple:
        return list[str], "<str>…"
    return (kind, None) if get_origin(kind) is Literal else (str, "<str>")
