"""Text coloured by a number for each of its symbols; where there are no colours, with a bar below each."""

from collections.abc import Iterator, Sequence

from rich.color import Color
from rich.console import Console
from rich.style import Style
from rich.text import Text

from charlm.cli.display.text import may_colour, visible

_BLOCKS = "▁▂▃▄▅▆▇█"
_POSITIVE, _NEGATIVE = (214, 94, 0), (0, 96, 178)
_WEAK = 0.1
_TAB = "    "

_Cell = tuple[str, float]
"""What is shown of one character, and its shade."""


def is_shaded(console: Console) -> bool:
    """Returns whether texts get colours, and not bars."""
    return may_colour(console.file)  # type: ignore[arg-type]


def print_shaded(console: Console, pieces: Sequence[str], shades: Sequence[float]) -> None:
    """Prints the pieces of a text, each in its shade.

    Args:
        shades: from -1, blue or a bar without height, to 1, orange or a high bar.
    """
    for line in _lines(pieces, shades, width=console.width):
        if is_shaded(console):
            console.print(_coloured(line), no_wrap=True)
        else:
            console.file.write(f"{''.join(text for text, _ in line)}\n{''.join(map(_bar, line))}\n")


def _lines(pieces: Sequence[str], shades: Sequence[float], *, width: int) -> Iterator[list[_Cell]]:
    """Yields the lines of a text, none wider than `width`; a line end is shown as a space."""
    line: list[_Cell] = []
    used = 0
    for piece, shade in zip(pieces, shades, strict=True):
        for character in piece:
            shown = {"\n": " ", "\t": _TAB}.get(character) or visible(character)
            size = Text(shown).cell_len
            if line and used + size > width:
                yield line
                line, used = [], 0
            line.append((shown, shade))
            used += size
            if character == "\n":
                yield line
                line, used = [], 0
    if line:
        yield line


def _coloured(line: list[_Cell]) -> Text:
    text = Text()
    for shown, shade in line:
        strength, colour = min(1.0, abs(shade)), _POSITIVE if shade > 0 else _NEGATIVE
        if strength < _WEAK:
            text.append(shown)
            continue
        background = Color.from_rgb(*(round(255 - strength * (255 - each)) for each in colour))
        text.append(shown, Style(color="black" if strength < 0.6 else "white", bgcolor=background.name))
    return text


def _bar(cell: _Cell) -> str:
    shown, shade = cell
    return _BLOCKS[max(0, min(7, int((shade + 1) / 2 * 8)))] * Text(shown).cell_len
