"""A summary, and reports of steps and evaluations, for displays."""

from pathlib import Path

from charlm.evaluation.score import Score
from charlm.runs.reporting import EvaluationReport, StepReport, TrainingSummary

SUMMARY = TrainingSummary(Path("checkpoints/demo"), (("text", "a.txt"), ("vocabulary", "65 symbols")), total_steps=100)
HOSTILE = "reading [/x]\x1b]0;owned\x07"
HOSTILE_SHOWN = "reading [/x]␛]0;owned␇"
SAMPLE = "To be [bold]or[/] not\x1b[31m\r\n\tto be"


def step_report(number: int) -> StepReport:
    """Returns the report of step `number` of 100."""
    return StepReport(
        number,
        loss=2.0,
        learning_rate=5e-3,
        gradient_norm=0.75,
        clipped=0.25,
        skipped=3,
        characters_per_second=12345.6,
        total_steps=SUMMARY.total_steps,
        share=number / SUMMARY.total_steps,
    )


def evaluation_report(number: int, nats: float, *, best: bool) -> EvaluationReport:
    """Returns the report of an evaluation with a loss of `nats` per character."""
    return EvaluationReport(number, 1.5, Score(nats * 100, 100, 100, 100), is_best=best, sample=SAMPLE)
