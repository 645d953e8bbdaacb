import io
import math
import re
from dataclasses import replace

import pytest
from rich.console import Console

from charlm.cli.display.console import plain_console
from charlm.cli.display.live import LiveDisplay
from charlm.cli.interrupts import STOPPING
from charlm.runs.reporting import EvaluationReport, LossPoint, StopRequest, TrainingSummary
from tests.support.reports import HOSTILE, HOSTILE_SHOWN, SUMMARY, evaluation_report, step_report

MIXED = replace(SUMMARY, is_mixed=True)


def picture(
    width: int,
    *,
    height: int = 30,
    stop: bool = False,
    evaluations: tuple[EvaluationReport, ...] = (),
    summary: TrainingSummary = SUMMARY,
    encoding: str = "utf-8",
) -> list[str]:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="backslashreplace")
    console = Console(file=stream, width=width, height=height, force_terminal=False, markup=False)
    seconds = [0.0]
    display = LiveDisplay(console, StopRequest(requested=stop), now=lambda: seconds[0])
    with display.training(summary):
        seconds[0] = 10.0
        display.step(step_report(50))
        for report in evaluations:
            display.evaluation(report)
            nats = None if report.score is None else report.score.nats_per_character
            network = None if report.network is None else report.network.nats_per_character
            display.losses(LossPoint(report.step, report.step / 100, report.training_nats_per_character, nats, network))
        with console.capture() as capture:
            console.print(display._picture())
    return capture.get().splitlines()


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_the_live_picture_shows_every_figure_at_every_width(width: int) -> None:
    rows = picture(width, evaluations=(evaluation_report(40, 1.75, best=True), evaluation_report(50, 2.25, best=False)))
    text = "\n".join(rows)
    assert max(len(row) for row in rows) <= width
    assert len(rows) < 30
    for expected in (
        "step 50 of 100", "about 0:10 left", "2.0000", "2.8854", "1.5000", "2.1640", "2.2500", "3.2461", "1.7500",
        "5.00e-03", "0.750", "25 %", "12,346", "sample at step 50", "To be [bold]or[/] not␛[31m␍", "● validation",
    ):  # fmt: skip
        assert expected in text, expected
    assert "…" not in text and "mixture" not in text


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_the_losses_of_network_and_mixture_stand_apart_at_every_width(width: int) -> None:
    mixed = replace(evaluation_report(50, 1.0, best=True), network=evaluation_report(50, 2.0, best=True).score)
    rows = picture(width, evaluations=(mixed,), summary=MIXED)
    assert max(len(row) for row in rows) <= width
    assert "…" not in "\n".join(rows)
    (heading,) = (row for row in rows if "network" in row and "mixture" in row and "○" not in row)
    (scores,) = (row for row in rows if "validation" in row and "○" not in row)
    assert heading.index("network") < heading.index("mixture")
    # 2 nats are 2.8854 bits, 1 nat is 1.4427.
    assert scores.index("2.8854") < scores.index("1.4427")
    (training,) = (row for row in rows if "training " in row and "2.1640" in row)
    assert "network, training  ○ network, validation  ● mixture" in "\n".join(rows)
    assert training.index("2.1640") <= scores.index("2.8854")


@pytest.mark.parametrize("height", [10, 18, 24, 40])
def test_the_live_picture_fits_a_terminal_of_many_a_height(height: int) -> None:
    mixed = replace(evaluation_report(50, 1.0, best=False), network=evaluation_report(50, 2.0, best=False).score)
    rows = picture(80, height=height, evaluations=(evaluation_report(40, 0.5, best=True), mixed), summary=MIXED)
    assert len(rows) < max(height, 16)
    assert ("of the training" in "\n".join(rows)) == (height >= 24)


def test_the_time_left_is_the_deadlines() -> None:
    text = "\n".join(picture(80, summary=replace(SUMMARY, seconds_left=70.0)))
    assert "1:00 left" in text and "about 1:00" not in text
    assert "step 50 of about 100" in text


def test_the_best_of_the_sessions_before_is_shown_again() -> None:
    before = replace(SUMMARY, history=(LossPoint(30, 0.3, 1.25, 0.625),))
    text = "\n".join(picture(80, evaluations=(evaluation_report(50, 2.25, best=False),), summary=before))
    assert re.search(r"best +0\.6250 +0\.9017 +step 30", text)


def test_an_evaluation_of_a_share_of_the_text_is_marked() -> None:
    part = replace(evaluation_report(50, 1.0, best=True), evaluated_share=0.31)
    assert "on 31 % of it" in "\n".join(picture(60, evaluations=(part,)))
    assert "of it" not in "\n".join(picture(60, evaluations=(evaluation_report(50, 1.0, best=True),)))


def test_a_terminal_that_has_only_ascii_gets_only_that() -> None:
    report = replace(evaluation_report(50, 1.0, best=True), sample="a")
    text = "\n".join(picture(80, evaluations=(report,), encoding="ascii"))
    assert text.isascii()
    assert "* validation" in text


def test_a_skipped_step_leaves_the_loss_a_number() -> None:
    display = LiveDisplay(Console(file=io.StringIO(), width=80), StopRequest())
    for loss in (2.0, math.nan, 2.0):
        display.step(replace(step_report(1), loss=loss))
    with display._console.capture() as capture:
        display._console.print(display._picture())
    assert "2.0000" in capture.get()


def test_the_live_picture_confirms_a_request_to_stop() -> None:
    assert STOPPING in "\n".join(picture(80, stop=True))
    assert STOPPING not in "\n".join(picture(80))


def test_a_live_training_prints_the_summary_once() -> None:
    stream = io.StringIO()
    display = LiveDisplay(Console(file=stream, width=80, force_terminal=True, color_system=None), StopRequest())
    with display.training(SUMMARY):
        display.step(step_report(1))
        display.note("[not markup]")
        with display.progress("evaluating", 10) as advance:
            advance(10)
    assert display.run == SUMMARY.run
    assert stream.getvalue().count("65 symbols") == 1
    assert "[not markup]" in stream.getvalue()


def test_names_that_users_choose_are_shown_as_they_are():
    stream = io.StringIO()
    display = LiveDisplay(plain_console(stream), StopRequest())
    with display.progress(HOSTILE, 10) as advance:
        advance(10)
    with display.training(replace(SUMMARY, run=SUMMARY.run.with_name("[x]\x1b[2J"))), display.progress(HOSTILE, 10):
        Console(file=stream, width=200).print(display._picture())
    assert HOSTILE_SHOWN in stream.getvalue() and "[x]␛[2J" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


@pytest.mark.parametrize(("total_steps", "expected"), [(50, "2.0000"), (200, "3.5000"), (10_000, "3.9000")])
def test_the_newest_loss_is_smoothed_over_no_more_than_a_small_share_of_the_training(
    total_steps: int, expected: str
) -> None:
    display = LiveDisplay(Console(file=io.StringIO(), width=80), StopRequest())
    # A fiftieth is 1 step: the last loss; 4 steps: 4 + (2 - 4) / 4; 20 steps, the most: 4 + (2 - 4) / 20.
    for loss in (4.0, 2.0):
        display.step(replace(step_report(1), loss=loss, total_steps=total_steps))
    with display._console.capture() as capture:
        display._console.print(display._picture())
    assert expected in capture.get()


def test_what_is_done_meanwhile_is_shown_on_a_terminal_and_taken_away_again() -> None:
    console = Console(file=io.StringIO(), width=80, force_terminal=True, markup=False)
    display = LiveDisplay(console, StopRequest())
    with display.status("timing [steps] \x1b"):
        pass
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "timing [steps] ␛ …" in shown
    # The line is erased where the cursor ends.
    assert shown.endswith("\x1b[1A\x1b[2K") or shown.endswith("\x1b[2K")
