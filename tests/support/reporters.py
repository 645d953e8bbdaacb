"""Reporters that keep what they are told, or that end a training at a step."""

from charlm.runs.reporting import SilentReporter, StepReport, StopRequest


class StopAfter(SilentReporter):
    """Asks to stop after a step, as Ctrl-C does."""

    def __init__(self, stop: StopRequest, step: int) -> None:
        self.stop = stop
        self.at = step

    def step(self, report: StepReport) -> None:
        self.stop.requested = report.step >= self.at


class KilledError(Exception):
    """Ends a training as a kill does: nothing is saved any more."""


class CrashAfter(SilentReporter):
    """Dies after a step without saving, as a killed process does."""

    def __init__(self, step: int) -> None:
        self.at = step

    def step(self, report: StepReport) -> None:
        if report.step >= self.at:
            raise KilledError


class RecordingReporter(SilentReporter):
    """Keeps all warnings and notes."""

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self.notes: list[str] = []

    def warn(self, message: str) -> None:
        self.warnings.append(message)

    def note(self, message: str) -> None:
        self.notes.append(message)
