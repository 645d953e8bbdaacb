"""The help of a command: what it says, and how it is laid out on a terminal."""

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

FEWEST_COLUMNS = 80
"""Below it, boxes leave no room for descriptions beside the names."""
_WIDEST_NAME = 0.36
"""Share of the width that names take at most; a longer name has its description below it."""

_BOLD, _DIM, _NAME, _VALUE, _USAGE = "1", "2", "1;36", "33", "33"
_MARKED = re.compile(r"(?P<name>(?<![\w-])--?[A-Za-z][\w-]*)|(?P<value><[^>]+>…?|\b[A-Z]{3,}\b)")
_NOTE = re.compile(r"\[(?:default: [^\]]*|required)\]$")
_IN_WORDS = re.compile(r"\[default: \((.*)\)\]$")
"""How Typer writes a default that is said in words."""


@dataclass(frozen=True)
class Panel:
    """Parameters or commands under one title: pairs of a name and a description."""

    title: str
    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class HelpPage:
    """What the help of a command says.

    Attributes:
        usage: how it is called.
        text: what it does, paragraph by paragraph.
    """

    usage: str
    text: str
    panels: tuple[Panel, ...]


def page_of(command: Any, context: Any) -> HelpPage:
    """Returns the help of a command of Typer's, in its context."""
    panels: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
    for parameter in command.get_params(context):
        usual = "Arguments" if parameter.param_type_name == "argument" else "Options"
        if record := parameter.get_help_record(context):
            name, description = (" ".join(part.split()).replace(r"\[", "[") for part in record)
            if usual == "Arguments":
                name = parameter.metavar + "…" * (parameter.nargs != 1)
            panel = panels.setdefault(getattr(parameter, "rich_help_panel", None) or usual, [])
            panel.append((name, _IN_WORDS.sub(r"[default: \1]", description)))
    commands = getattr(command, "commands", {}).items()
    panels["Commands"] = [(name, each.short_help or "") for name, each in commands]
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    shown = tuple(Panel(title, tuple(rows)) for title, rows in panels.items() if rows)
    return HelpPage(usage, command.help or "", shown)


def lay_out(page: HelpPage, *, width: int, colour: bool, boxed: bool) -> str:
    """Returns the lines of a page, no longer than `width` where words allow.

    Args:
        colour: marks names and notes on defaults.
        boxed: puts descriptions beside the names, in boxes; otherwise they stand below.
    """
    paint = _paint if colour else _leave
    lines = ["", f" {paint('Usage:', _USAGE)} {paint(page.usage, _BOLD)}", ""]
    for number, paragraph in enumerate(page.text.split("\n\n")):
        style = _DIM if number else ""
        lines += [*(f" {paint(line, style)}" for line in _wrapped(paragraph, width - 2)), ""]
    for panel in page.panels:
        if boxed:
            lines += _boxed(panel, width, colour)
        else:
            lines += [f"{panel.title}:", *(f"  {line}" for line in _stacked(panel, width - 2, colour)), ""]
    return "\n".join(lines)


def _boxed(panel: Panel, width: int, colour: bool) -> Iterator[str]:
    paint = _paint if colour else _leave
    inner = width - 4
    yield paint(f"╭─ {panel.title} {'─' * (width - len(panel.title) - 5)}╮", _DIM)
    edge = paint("│", _DIM)
    for length, line in _beside(panel, inner, colour):
        yield f"{edge} {line}{' ' * (inner - length)} {edge}"
    yield paint(f"╰{'─' * (width - 2)}╯", _DIM)


def _beside(panel: Panel, width: int, colour: bool) -> Iterator[tuple[int, str]]:
    """Returns each line and its length, descriptions beside the names."""
    limit = int(_WIDEST_NAME * width)
    column = max((len(name) for name, _ in panel.rows if len(name) <= limit), default=limit // 2) + 2
    for name, description in panel.rows:
        lines = _wrapped(description, width - column)
        first = lines.pop(0) if len(name) < column - 1 and lines else ""
        yield max(column, len(name)) + len(first), _marked(f"{name:<{column}}", colour) + _described(first, colour)
        for line in lines:
            yield column + len(line), " " * column + _described(line, colour)


def _stacked(panel: Panel, width: int, colour: bool) -> Iterator[str]:
    """Returns the lines, descriptions below the names."""
    for name, description in panel.rows:
        yield _marked(name, colour)
        for line in _wrapped(description, width - 4):
            yield f"    {_described(line, colour)}"


def _wrapped(text: str, width: int) -> list[str]:
    """Returns the lines of a text; a note on the default is not broken where it fits a line of its own."""
    note = _NOTE.search(text)
    if note is None or len(note[0]) > width:
        return textwrap.wrap(text, width, break_on_hyphens=False)
    lines = textwrap.wrap(text[: note.start()], width, break_on_hyphens=False)
    if lines and len(lines[-1]) + 1 + len(note[0]) <= width:
        lines[-1] += f" {note[0]}"
    else:
        lines.append(note[0])
    return lines


def _marked(names: str, colour: bool) -> str:
    if not colour:
        return names
    if not names.startswith("-"):
        return _paint(names, _NAME)
    return _MARKED.sub(lambda found: _paint(found[0], _NAME if found["name"] else _VALUE), names)


def _described(line: str, colour: bool) -> str:
    return _NOTE.sub(lambda found: _paint(found[0], _DIM), line) if colour else line


def _paint(text: str, style: str) -> str:
    return f"\x1b[{style}m{text}\x1b[0m" if style and text else text


def _leave(text: str, style: str) -> str:
    return text
