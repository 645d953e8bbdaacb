"""The reports of a trial: passed on to be shown, and its evaluations to the study, which may give it up."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import final

from charlm.runs.compare.study import Trial
from charlm.runs.reporting import EvaluationReport, Reporter, StepReport, StopRequest, TrainingSummary


@final
class TrialReporter(Reporter):
    """Passes on what is not about a single run alone, and reports evaluations to the study.

    Args:
        shown: where reports go.
        stop: is asked to end a trial that is given up.
        trial: None for a run that is none.
        warned: the warnings so far; each is passed on once, as all trials read the same text.
    """

    def __init__(self, shown: Reporter, stop: StopRequest, trial: Trial | None, *, warned: set[str]) -> None:
        self._shown = shown
        self._stop = stop
        self._trial = trial
        self._warned = warned
        self._share = 0.0

    def note(self, message: str) -> None:
        """Shows nothing: notes are about a single run."""

    def warn(self, message: str) -> None:
        """Passes on a warning that is new."""
        if message not in self._warned:
            self._warned.add(message)
            self._shown.warn(message)

    def progress(self, label: str, total: int | None) -> AbstractContextManager[Callable[[int], None]]:
        """Shows nothing."""
        return nullcontext(lambda _: None)

    def training(self, summary: TrainingSummary) -> AbstractContextManager[None]:
        """Passes the summary on."""
        return self._shown.training(summary)

    def step(self, report: StepReport) -> None:
        """Passes the step on."""
        self._share = report.share
        self._shown.step(report)

    def evaluation(self, report: EvaluationReport) -> None:
        """Passes the evaluation on, and reports it to the study."""
        self._shown.evaluation(report)
        if self._trial is None or report.score is None:
            return
        bits, evaluated = report.score.bits_per_character, report.evaluated_share
        self._trial.report(self._share, bits, evaluated=evaluated)
        self._stop.is_pruned = self._trial.is_behind(self._share, bits, evaluated=evaluated)
