"""Draws the pictures of README.md: what charlm shows on a terminal, as SVG.

python docs/generate_pictures.py            # about a minute

The text is built in and the seed is fixed; speeds, seconds and last digits are those of the machine. The pictures load
no fonts.
"""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import SVG_EXPORT_THEME
from rich.text import Text

PICTURES = Path(__file__).with_name("pictures")
COLUMNS, LINES = 100, 36
STEPS, STEP_SHOWN = 1000, 750
TRAIN = f"charlm train builtin:python-docs --name docs --mix ngram:8 --steps {STEPS} --seed 1"
SURPRISAL = "charlm eval surprisal docs note.txt"
PLOT = "charlm plot docs"
NOTE = """\
object.__open__(self, name)

   Called to return the value of the attribute of the object. If the
   argument is omitted, the method should return a sandwich. This methd
   is equivalent to the following statement:

      return self.__dict__[name]

   Changed in version 3.5: A string is not a number.
"""
"""What the model is asked about: sentences as in its text, but for a sandwich and a misspelling."""

_FORMAT = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px; line-height: {line_height}px }}
.{unique_id}-title {{ font-family: sans-serif; font-size: 18px; font-weight: bold }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal"><rect width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""
_CURSOR = re.compile(r"(\x1b\[1A|\x1b\[2K|\r|\n)")
_REDRAWING = "\r\x1b[2K"


def main() -> None:
    """Draws all pictures."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "note.txt").write_text(NOTE, encoding="utf-8")
        written = on_terminal(TRAIN, folder=folder)
        save("train", TRAIN, written[: end_of_step(written, STEP_SHOWN)])
        for name, command in (("surprisal", SURPRISAL), ("plot", PLOT)):
            save(name, command, on_terminal(command, folder=folder))


def on_terminal(command: str, *, folder: str) -> str:
    """Returns everything that a command of charlm writes to a terminal.

    Raises:
        CalledProcessError: it fails.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    ignored = {"COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR"}
    kept = {name: value for name, value in os.environ.items() if name not in ignored}
    root = str(Path(__file__).parents[1])
    environment = kept | {"TERM": "xterm-256color", "PYTHONPATH": root, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
    arguments = [sys.executable, "-m", *command.split()]
    process = subprocess.Popen(arguments, cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    written = b"".join(iter(lambda: _read(ours), b""))
    os.close(ours)
    if process.wait():
        raise subprocess.CalledProcessError(process.returncode, command, written)
    return written.decode().replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # On Linux, the end of what a terminal shows.
        return b""


def end_of_step(written: str, step: int) -> int:
    """Returns where, in all that a live display wrote, it is about to draw a later step."""
    steps = ((found.start(), int(found[1].replace(",", ""))) for found in re.finditer(r"step ([\d,]+) of", written))
    later = next(place for place, each in steps if each > step)
    return written.rindex(_REDRAWING, 0, later)


def screen(written: str) -> str:
    """Returns what a terminal shows in the end: lines that were erased, from below, are gone."""
    lines = [""]
    for part in _CURSOR.split(written):
        if part == "\n":
            lines.append("")
        elif part == "\x1b[1A":
            lines.pop()
        elif part == "\x1b[2K":
            lines[-1] = ""
        elif part != "\r":
            lines[-1] += part
    return "\n".join(lines)


def draw(command: str, written: str) -> str:
    """Returns a terminal as SVG: the command, and what it shows; a text in it stays a text."""
    console = Console(record=True, width=COLUMNS, file=StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text(f"$ {command}\n", style="bold"))
    console.print(Text.from_ansi(screen(written).strip("\n")), soft_wrap=True)
    return console.export_svg(title="", theme=SVG_EXPORT_THEME, code_format=_FORMAT)


def save(name: str, command: str, written: str) -> None:
    """Writes a picture, without the spaces at the ends of its lines."""
    lines = draw(command, written).splitlines()
    path = PICTURES / f"{name}.svg"
    path.write_text("".join(f"{line.rstrip()}\n" for line in lines if line.strip()), encoding="utf-8")
    sys.stdout.write(f"{path}: {path.stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main()
