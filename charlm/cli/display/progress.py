"""The display of a run's progress on standard error: a live picture, log lines, or nothing."""

import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from charlm.cli.display.console import is_live, plain_console
from charlm.runs.reporting import SilentReporter, StopRequest, TrainingSummary

if TYPE_CHECKING:
    from charlm.cli.display.lines import LineDisplay
    from charlm.cli.display.live import LiveDisplay

Display: TypeAlias = "QuietDisplay | LineDisplay | LiveDisplay"
"""A reporter that also confirms a request to stop, and knows the folder of the run in training, `run`."""


class QuietDisplay(SilentReporter):
    """Shows nothing."""

    run: Path | None = None

    def training(self, summary: TrainingSummary) -> AbstractContextManager[None]:
        """Keeps the run's folder."""
        self.run = summary.run
        return super().training(summary)

    def stopping(self) -> None:
        """Shows nothing."""


def make_display(stop: StopRequest | None = None, *, quiet: bool = False) -> Display:
    """Returns a live display on a terminal, log lines elsewhere, and a silent display when quiet."""
    if quiet:
        return QuietDisplay()
    if is_live(sys.stderr):
        from charlm.cli.display.live import LiveDisplay

        return LiveDisplay(plain_console(sys.stderr), stop or StopRequest())
    from charlm.cli.display.lines import LineDisplay

    return LineDisplay(sys.stderr, stop)
