import io
from dataclasses import replace

import pytest
from rich.console import Console

from charlm.cli.display.console import plain_console
from charlm.cli.display.live import LiveDisplay
from charlm.cli.interrupts import STOPPING
from charlm.runs.reporting import EvaluationReport, StopRequest
from tests.support.reports import HOSTILE, HOSTILE_SHOWN, SUMMARY, evaluation_report, step_report


def picture(width: int, *, stop: bool = False, evaluations: tuple[EvaluationReport, ...] = ()) -> list[str]:
    console = Console(file=io.StringIO(), width=width, height=30, force_terminal=False, markup=False)
    display = LiveDisplay(console, StopRequest(requested=stop))
    display._training = display._bars.add_task("step", total=100)
    display.step(step_report(50))
    for report in evaluations:
        display.evaluation(report)
    with console.capture() as capture:
        console.print(display._picture())
    return capture.get().splitlines()


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_the_live_picture_shows_every_figure_at_every_width(width: int) -> None:
    rows = picture(width, evaluations=(evaluation_report(40, 1.75, best=True), evaluation_report(50, 2.25, best=False)))
    text = "\n".join(rows)
    assert max(len(row) for row in rows) <= width
    assert len(rows) <= 18
    for expected in (
        "50/100", "2.0000", "2.8854", "1.5000", "2.1640", "2.2500", "3.2461", "1.7500", "5.00e-03", "0.750", "25 %",
        "12,346", "sample at step 50", "To be [bold]or[/] not␛[31m␍",
    ):  # fmt: skip
        assert expected in text, expected
    assert "…" not in text


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
