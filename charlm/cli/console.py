"""Where things are shown: results on standard output, everything else on standard error."""

import json
import os
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol, TextIO

from rich.console import Console

from charlm.runs.reporting import Reporter, SilentReporter, StopRequest, TrainingSummary

_WIDTH_OF_A_PIPE = 160


class Display(Reporter, Protocol):
    """A reporter that can also say that a wish to stop was understood.

    Attributes:
        run: the folder of the run that is being trained; None before training starts.
    """

    run: Path | None

    def stopping(self) -> None:
        """Says that the step is being finished; called from a signal handler."""
        ...


class QuietDisplay(SilentReporter):
    """Tells nothing at all."""

    run: Path | None = None

    def training(self, summary: TrainingSummary) -> AbstractContextManager[None]:
        """Keeps the run's folder."""
        self.run = summary.run
        return super().training(summary)

    def stopping(self) -> None:
        """Says nothing."""


def make_display(stop: StopRequest | None = None, *, quiet: bool = False) -> Display:
    """Returns what suits standard error: a live display on a terminal, log lines elsewhere, nothing when quiet."""
    if quiet:
        return QuietDisplay()
    if is_live(sys.stderr):
        from charlm.cli.live import LiveDisplay

        return LiveDisplay(plain_console(sys.stderr), stop or StopRequest())
    from charlm.cli.lines import LineDisplay

    return LineDisplay(sys.stderr)


def is_live(stream: TextIO) -> bool:
    """Returns whether the stream is a terminal that pictures can be redrawn on."""
    # isatty, not Console.is_terminal: FORCE_COLOR makes that true of a pipe.
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def plain_console(stream: TextIO) -> Console:
    """Returns a console that takes every text literally; in a pipe nothing is wrapped."""
    width = None if stream.isatty() else _WIDTH_OF_A_PIPE
    return Console(file=stream, markup=False, highlight=False, emoji=False, width=width)


def print_json(value: Any) -> None:
    """Prints one JSON value, alone, on standard output."""
    json.dump(value, sys.stdout, ensure_ascii=False, indent=2, allow_nan=False)
    sys.stdout.write("\n")
