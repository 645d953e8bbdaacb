"""Text on its way to a person or a pipe: never interpreted, never able to steer a terminal."""

import os
import sys
import time
from collections.abc import Iterable
from typing import TextIO

_FLUSH_SECONDS = 0.02
_DIM, _PLAIN = "\x1b[2m", "\x1b[22m"

_CONTROL_PICTURES = {code: chr(0x2400 + code) for code in range(32) if chr(code) not in "\n\t"} | {127: "␡"}
_OTHER_CONTROLS = (*range(0x80, 0xA0), 0x061C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A))
_VISIBLE = _CONTROL_PICTURES | {code: f"\\u{code:04x}" for code in _OTHER_CONTROLS}


def visible(text: str) -> str:
    """Returns the text with symbols for what could steer a terminal: controls other than line end and tab, and bidi."""
    return text.translate(_VISIBLE)


class TextWriter:
    """Writes a text to a stream piece by piece as it is drawn.

    A terminal gets visible controls and a dim prompt; everything else gets the text as it is.
    """

    def __init__(self, stream: TextIO | None = None, *, colour: bool = True) -> None:
        """Writes to `stream`, by default standard output; `colour` allows the dim prompt."""
        self._stream = stream or sys.stdout
        self._terminal = self._stream.isatty()
        self._colour = colour and self._terminal
        self._flushed = time.monotonic()
        self._last = "\n"

    def prompt(self, text: str) -> None:
        """Writes what was given rather than drawn."""
        self._put(text, before=_DIM, after=_PLAIN)
        self.flush()

    def heading(self, text: str) -> None:
        """Writes a line that stands between two texts."""
        self.end()
        self._put(f"--- {text} ---\n", before=_DIM, after=_PLAIN)

    def write(self, text: str) -> None:
        """Writes a piece; it is seen within about 20 ms of the next one."""
        self._put(text)
        if time.monotonic() - self._flushed > _FLUSH_SECONDS:
            self.flush()

    def end(self) -> None:
        """Ends the text with a line end unless it has one."""
        if self._last != "\n":
            self._put("\n")
        self.flush()

    def flush(self) -> None:
        """Shows all that was written."""
        self._stream.flush()
        self._flushed = time.monotonic()

    def _put(self, text: str, *, before: str = "", after: str = "") -> None:
        if not text:
            return
        shown = visible(text) if self._terminal else text
        self._stream.write(f"{before}{shown}{after}" if self._colour else shown)
        self._last = text[-1]


def may_colour(stream: TextIO) -> bool:
    """Returns whether the stream is a terminal that may be styled."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def print_error(message: str) -> None:
    """Prints one sentence on standard error."""
    label = "\x1b[1;31mError:\x1b[0m" if may_colour(sys.stderr) else "Error:"
    sys.stderr.write(f"{label} {visible(message)}\n")


def use_utf8(streams: Iterable[TextIO]) -> None:
    """Makes streams write UTF-8 whatever the locale; what UTF-8 cannot say is written as an escape."""
    for stream in streams:
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
