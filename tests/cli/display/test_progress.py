import io
from pathlib import Path

import pytest
from rich.console import Console

from charlm.cli.display.lines import LineDisplay
from charlm.cli.display.live import LiveDisplay
from charlm.cli.display.progress import QuietDisplay, make_display
from charlm.cli.interrupts import STOPPING
from charlm.evaluation.score import Score
from charlm.runs.reporting import EvaluationReport, StepReport, StopRequest, TrainingSummary

SUMMARY = TrainingSummary(Path("checkpoints/demo"), (("text", "a.txt"), ("vocabulary", "65 symbols")), total_steps=100)
SAMPLE = "To be [bold]or[/] not\x1b[31m\r\n\tto be"


def step(number: int) -> StepReport:
    return StepReport(
        number,
        loss=2.0,
        learning_rate=5e-3,
        gradient_norm=0.75,
        clipped=0.25,
        skipped=3,
        characters_per_second=12345.6,
        total_steps=SUMMARY.total_steps,
    )


def evaluation(number: int, nats: float, *, best: bool) -> EvaluationReport:
    return EvaluationReport(number, 1.5, Score(nats * 100, 100, 100, 100), is_best=best, sample=SAMPLE)


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def lines_after(drive: "object") -> list[str]:
    stream = io.StringIO()
    clock = Clock()
    display = LineDisplay(stream, now=clock)
    drive(display, clock)  # type: ignore[operator]
    assert "\x1b" not in stream.getvalue()
    return stream.getvalue().splitlines()


def test_lines_begin_with_the_summary() -> None:
    def drive(display: LineDisplay, _: Clock) -> None:
        with display.training(SUMMARY):
            pass

    assert lines_after(drive) == ["text        a.txt", "vocabulary  65 symbols"]


def test_lines_come_every_few_seconds_and_at_the_first_and_last_step() -> None:
    def drive(display: LineDisplay, clock: Clock) -> None:
        with display.training(SUMMARY):
            for number in range(1, 101):
                clock.seconds += 0.25
                display.step(step(number))

    shown = [line.split("/")[0] for line in lines_after(drive)[2:]]
    assert shown == ["step 1", "step 21", "step 41", "step 61", "step 81", "step 100"]


def test_a_step_line_has_every_figure() -> None:
    def drive(display: LineDisplay, clock: Clock) -> None:
        with display.training(SUMMARY):
            clock.seconds = 10.0
            display.step(step(50))

    assert lines_after(drive)[-1] == (
        "step 50/100 (50 %): loss 2.0000 nats/symbol, learning rate 5.00e-03, "
        "gradient norm 0.75 (25 % clipped, 3 skipped), 12,346 characters/s, 0:10 left"
    )


def test_an_evaluation_line_has_nats_and_bits_and_the_sample() -> None:
    def drive(display: LineDisplay, _: Clock) -> None:
        display.evaluation(evaluation(10, 2.0, best=True))

    assert lines_after(drive) == [
        "evaluation at step 10: training 1.5000 nats/char = 2.1640 bits/char, "
        "validation 2.0000 nats/char = 2.8854 bits/char, the best so far",
        "  | To be [bold]or[/] not␛[31m␍",
        "  | \tto be",
    ]


def test_an_evaluation_without_validation_text_is_told_too() -> None:
    def drive(display: LineDisplay, _: Clock) -> None:
        display.evaluation(EvaluationReport(10, 1.5, None, is_best=True, sample=""))

    assert lines_after(drive) == ["evaluation at step 10: training 1.5000 nats/char = 2.1640 bits/char"]


def test_progress_lines_at_start_and_end_and_in_between() -> None:
    def drive(display: LineDisplay, clock: Clock) -> None:
        with display.progress("encoding", 200) as advance:
            for _ in range(10):
                clock.seconds += 1.0
                advance(20)

    assert lines_after(drive) == ["encoding …", "encoding: 50 %", "encoding: 100 %", "encoding: done in 10.0 s"]


def test_notes_and_warnings_are_lines() -> None:
    def drive(display: LineDisplay, _: Clock) -> None:
        display.note("one")
        display.warn("two")

    assert lines_after(drive) == ["one", "Warning: two"]


def picture(width: int, *, stop: bool = False, evaluations: tuple[EvaluationReport, ...] = ()) -> list[str]:
    console = Console(file=io.StringIO(), width=width, height=30, force_terminal=False, markup=False)
    display = LiveDisplay(console, StopRequest(requested=stop))
    display._training = display._bars.add_task("step", total=100)
    display.step(step(50))
    for report in evaluations:
        display.evaluation(report)
    with console.capture() as capture:
        console.print(display._picture())
    return capture.get().splitlines()


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_the_live_picture_shows_every_figure_at_every_width(width: int) -> None:
    rows = picture(width, evaluations=(evaluation(40, 1.75, best=True), evaluation(50, 2.25, best=False)))
    text = "\n".join(rows)
    assert max(len(row) for row in rows) <= width
    assert len(rows) <= 18
    for expected in (
        "50/100", "2.0000", "2.8854", "1.5000", "2.1640", "2.2500", "3.2461", "1.7500", "5.00e-03", "0.750", "25 %",
        "12,346", "sample at step 50", "To be [bold]or[/] not␛[31m␍",
    ):  # fmt: skip
        assert expected in text, expected
    assert "…" not in text


def test_the_live_picture_says_that_a_wish_to_stop_was_understood() -> None:
    assert STOPPING in "\n".join(picture(80, stop=True))
    assert STOPPING not in "\n".join(picture(80))


def test_a_live_training_prints_the_summary_once() -> None:
    stream = io.StringIO()
    display = LiveDisplay(Console(file=stream, width=80, force_terminal=True, color_system=None), StopRequest())
    with display.training(SUMMARY):
        display.step(step(1))
        display.note("[not markup]")
        with display.progress("evaluating", 10) as advance:
            advance(10)
    assert display.run == SUMMARY.run
    assert stream.getvalue().count("65 symbols") == 1
    assert "[not markup]" in stream.getvalue()


def test_quiet_shows_nothing_but_knows_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    display = make_display(quiet=True)
    assert isinstance(display, QuietDisplay)
    with display.training(SUMMARY):
        display.step(step(1))
        display.warn("no")
    assert display.run == SUMMARY.run
    assert capsys.readouterr() == ("", "")


def test_what_is_no_terminal_gets_lines_even_when_colour_is_forced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert isinstance(make_display(), LineDisplay)
