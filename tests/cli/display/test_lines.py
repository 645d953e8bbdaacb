import errno
import io
from dataclasses import replace

import pytest

from charlm.cli.display.lines import LineDisplay
from charlm.runs.reporting import EvaluationReport, StopRequest
from tests.support.reports import HOSTILE, HOSTILE_SHOWN, SUMMARY, evaluation_report, step_report


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


def test_what_is_done_meanwhile_is_no_line_as_lines_stay() -> None:
    def drive(display: LineDisplay, _: Clock) -> None:
        with display.status("timing steps"):
            pass

    assert lines_after(drive) == []


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
                display.step(step_report(number))

    shown = [line.split(" of")[0] for line in lines_after(drive)[2:]]
    assert shown == ["step 1", "step 21", "step 41", "step 61", "step 81", "step 100"]


def test_a_step_line_has_every_figure() -> None:
    def drive(display: LineDisplay, clock: Clock) -> None:
        with display.training(SUMMARY):
            clock.seconds = 10.0
            display.step(step_report(50))

    assert lines_after(drive)[-1] == (
        "step 50 of 100 (50 %): loss 2.0000 nats/char = 2.8854 bits/char, learning rate 5.00e-03, "
        "gradient norm 0.75 (25 % clipped, 3 skipped), 12,346 characters/s, about 0:10 left"
    )


def test_before_a_deadline_the_time_left_is_exact_and_the_number_of_steps_is_not() -> None:
    def drive(display: LineDisplay, clock: Clock) -> None:
        with display.training(replace(SUMMARY, seconds_left=70.0)):
            clock.seconds = 10.0
            display.step(replace(step_report(50), total_steps=123))

    line = lines_after(drive)[-1]
    assert line.startswith("step 50 of about 130 (50 %)") and line.endswith(", 1:00 left")


def test_the_lines_of_a_long_training_become_few() -> None:
    def drive(display: LineDisplay, clock: Clock) -> None:
        with display.training(SUMMARY):
            for _ in range(3600):
                clock.seconds += 1.0
                display.step(step_report(50))

    # Ten in the first 50 seconds; then each after a tenth of the time so far: ln(3600 / 50) / ln(1.1) = 45.
    assert 50 < len(lines_after(drive)) < 62


def test_lines_tell_the_networks_loss_from_the_mixtures() -> None:
    def drive(display: LineDisplay, _: Clock) -> None:
        with display.training(replace(SUMMARY, is_mixed=True)):
            display.step(step_report(1))
            network = evaluation_report(10, 2.0, best=True).score
            report = replace(evaluation_report(10, 1.0, best=True), network=network, evaluated_share=0.31)
            display.evaluation(report)

    step, evaluation = lines_after(drive)[2:4]
    assert "network 2.0000 nats/char" in step
    assert evaluation == (
        "evaluation at step 10: network, training 1.5000 nats/char = 2.1640 bits/char; network, validation "
        "(on 31 % of it) 2.0000 nats/char = 2.8854 bits/char; mixture, validation (on 31 % of it) 1.0000 nats/char "
        "= 1.4427 bits/char, the best so far"
    )


def test_an_evaluation_line_has_nats_and_bits_and_the_sample() -> None:
    def drive(display: LineDisplay, _: Clock) -> None:
        display.evaluation(evaluation_report(10, 2.0, best=True))

    assert lines_after(drive) == [
        "evaluation at step 10: training 1.5000 nats/char = 2.1640 bits/char, "
        "validation 2.0000 nats/char = 2.8854 bits/char, the best so far",
        "  | To be [bold]or[/] not␛[31m␍",
        "  | \tto be",
    ]


def test_an_evaluation_without_validation_text_has_a_line_too() -> None:
    def drive(display: LineDisplay, _: Clock) -> None:
        display.evaluation(EvaluationReport(10, 1.5, None, is_best=True, sample=""))

    assert lines_after(drive) == ["evaluation at step 10: training 1.5000 nats/char = 2.1640 bits/char"]


def test_progress_lines_at_start_and_end_and_in_between() -> None:
    def drive(display: LineDisplay, clock: Clock) -> None:
        with display.progress("encoding", 200) as advance:
            for _ in range(10):
                clock.seconds += 1.0
                advance(20)

    assert lines_after(drive) == [
        "encoding …",
        "encoding: 50 %, 100 of 200, 5.0 s left",
        "encoding: 100 %, 200 of 200, 0.0 s left",
        "encoding: done in 10.0 s",
    ]


def test_notes_and_warnings_are_lines() -> None:
    def drive(display: LineDisplay, _: Clock) -> None:
        display.note("one")
        display.warn("two")

    assert lines_after(drive) == ["one", "Warning: two"]


class Closed(io.StringIO):
    """A pipe whose reader leaves after the first line."""

    def write(self, text: str) -> int:
        if self.getvalue():
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")
        return super().write(text)


def test_a_line_that_cannot_be_written_stops_a_training_and_is_raised_when_it_has_saved() -> None:
    stop, saved = StopRequest(), []
    display = LineDisplay(Closed(), stop)
    with pytest.raises(BrokenPipeError), display.training(replace(SUMMARY, rows=(("text", "a.txt"),))):
        stop.graceful = True
        display.evaluation(evaluation_report(1, 1.0, best=True))
        assert stop.requested
        display.step(step_report(100))
        saved.append(True)
    assert saved


def test_a_line_that_cannot_be_written_outside_of_training_ends_the_command() -> None:
    display = LineDisplay(Closed(), StopRequest())
    display.note("one")
    with pytest.raises(BrokenPipeError):
        display.note("two")


def test_control_characters_of_names_are_shown_as_symbols() -> None:
    def drive(display: LineDisplay, _: Clock) -> None:
        display.note(HOSTILE)
        with display.progress(HOSTILE, None), display.training(replace(SUMMARY, rows=(("text", HOSTILE),))):
            pass

    lines = lines_after(drive)
    assert "\x1b" not in "".join(lines)
    assert sum(HOSTILE_SHOWN in line for line in lines) == 4
