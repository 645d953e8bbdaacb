"""Text printed safely: no text can move the cursor or change the colours of a terminal."""

import os
import shutil
import sys
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TextIO

from charlm.cli.display.palette import ALERT_CODE
from charlm.notation import CONTROL_ESCAPES, visible

if TYPE_CHECKING:
    from charlm.cli.display.wrapping import WordWrap

_FLUSH_SECONDS = 0.02
_DIM, _PLAIN = "\x1b[2m", "\x1b[22m"

_JSON_ESCAPES = CONTROL_ESCAPES | {127: "\\u007f"}
"""Escapes of the characters that steer a terminal but may stand in JSON unescaped; its values stay the same."""


class TextWriter:
    """A writer of text that arrives piece by piece.

    A terminal shows symbols for control characters, a dim prompt, and lines that end between words; every other stream
    gets the text unchanged.
    """

    def __init__(self, stream: TextIO | None = None, *, colour: bool = True) -> None:
        """Creates a writer to `stream`, by default standard output; `colour` allows the dim prompt."""
        self._stream = stream or sys.stdout
        self._terminal = self._stream.isatty()
        self._colour = colour and self._terminal
        self._flushed = time.monotonic()
        self._last = "\n"
        self._wrap = _word_wrap() if self._terminal else None

    def prompt(self, text: str) -> None:
        """Writes the prompt."""
        self._put(text, before=_DIM, after=_PLAIN)
        self.flush()

    def heading(self, text: str) -> None:
        """Writes a heading between two texts."""
        self.end()
        self._put(f"--- {text} ---\n", before=_DIM, after=_PLAIN)

    def write(self, text: str) -> None:
        """Writes a piece of the text; pieces appear at most 20 ms late, on a terminal whole words."""
        self._put(text)
        if time.monotonic() - self._flushed > _FLUSH_SECONDS:
            self.flush()

    def end(self) -> None:
        """Ends the text with a line end, unless it has one."""
        if self._wrap is not None:
            self._stream.write(self._wrap.rest())
        if self._last != "\n":
            self._put("\n")
        self.flush()

    def flush(self) -> None:
        """Flushes the stream."""
        self._stream.flush()
        self._flushed = time.monotonic()

    def _put(self, text: str, *, before: str = "", after: str = "") -> None:
        if not text:
            return
        shown = text
        if self._wrap is not None:
            # What is coloured is shown at once: a prompt must not wait for what goes on with its last word.
            shown = self._wrap.add(visible(text)) + (self._wrap.rest() if before else "")
        self._stream.write(f"{before}{shown}{after}" if self._colour else shown)
        self._last = text[-1]


def may_colour(stream: TextIO) -> bool:
    """Returns whether the stream is a terminal, and neither NO_COLOR nor TERM forbids colours."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def print_line(text: str, stream: TextIO) -> None:
    """Prints a line; a terminal shows symbols for control characters, every other stream gets it unchanged."""
    stream.write(f"{visible(text) if stream.isatty() else text}\n")


def json_line(value: Any) -> str:
    """Returns a JSON value on one line; characters that steer a terminal are escaped."""
    import json

    return json.dumps(value, ensure_ascii=False, allow_nan=False).translate(_JSON_ESCAPES)


def print_json(value: Any) -> None:
    """Prints one JSON value, alone, on standard output; characters that steer a terminal are escaped."""
    import json

    text = json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False)
    sys.stdout.write(f"{text.translate(_JSON_ESCAPES)}\n")


def print_error(message: str) -> None:
    """Prints an error message on standard error."""
    label = f"\x1b[{ALERT_CODE}mError:\x1b[0m" if may_colour(sys.stderr) else "Error:"
    sys.stderr.write(f"{label} {visible(message)}\n")


def use_utf8(streams: Iterable[TextIO]) -> None:
    """Sets streams to UTF-8 whatever the locale, but a terminal, which reads no other encoding than its own.

    What cannot be encoded is written as escapes: lone surrogates, and what a terminal has no characters for.
    """
    for stream in streams:
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="backslashreplace")


def _word_wrap() -> "WordWrap":
    from charlm.cli.display.wrapping import WordWrap

    return WordWrap(shutil.get_terminal_size().columns)
