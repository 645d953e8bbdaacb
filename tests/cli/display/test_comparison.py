import errno
import io

import pytest
from rich.console import Console

from charlm.cli.display.comparison import ComparisonLines, LiveComparison, QuietComparison, make_comparison_display
from charlm.cli.display.lines import LineDisplay
from charlm.cli.interrupts import STOPPING
from charlm.config import ModelConfig
from charlm.evaluation.score import Score
from charlm.runs.compare.result import VariantResult
from charlm.runs.compare.variant import Variant
from charlm.runs.reporting import EvaluationReport, StepReport, StopRequest
from tests.support.reports import SUMMARY

VARIANTS = [Variant("ngram-5", "ngram:5", None, ModelConfig()), Variant("lstm-1", "lstm", 1, ModelConfig())]
COUNTED = VariantResult("ngram-5", "ngram:5", None, parameters=1234, test=2.125)


def step(number):
    return StepReport(number, 1.75, 1e-3, 0.5, 0.0, 0, 1e5, total_steps=200, share=number / 200)


def evaluation():
    score = Score(total_nats=100.0, num_symbols=100, num_characters=100, num_bytes=100)
    return EvaluationReport(50, 1.8, score, is_best=True, sample="")


def picture(drive, *, height=30, stop=None):
    stream = io.StringIO()
    console = Console(file=stream, width=110, height=height, force_terminal=True, color_system=None)
    display = LiveComparison(console, stop or StopRequest())
    drive(display)
    console.print(display._picture())
    return stream.getvalue()


def test_the_table_has_a_row_for_what_is_done_what_is_trained_and_what_is_left():
    def drive(display):
        display.grid([*VARIANTS, Variant("gru-2", "gru", 2, ModelConfig())], {"ngram-5": COUNTED}, VARIANTS[1])
        display.step(step(50))
        display.evaluation(evaluation())

    lines = picture(drive).splitlines()
    done, trained, left = (next(line for line in lines if f" {kind} " in line) for kind in ("ngram:5", "lstm", "gru"))
    assert "1,234" in done and "2.1250" in done
    assert "1.4427" in trained and "25 %, loss 1.750" in trained
    assert left.split() == ["gru", "2"]
    assert any("1 of 3 models done" in line for line in lines)


def test_the_next_row_starts_empty():
    def drive(display):
        display.grid(VARIANTS, {}, VARIANTS[0])
        display.step(step(50))
        display.grid(VARIANTS, {"ngram-5": COUNTED}, VARIANTS[1])

    assert "25 %" not in picture(drive)


def test_a_table_higher_than_the_terminal_shows_what_is_trained():
    variants = [Variant(f"lstm-{layers}", "lstm", layers, ModelConfig()) for layers in range(1, 60)]

    def drive(display):
        display.grid(variants, {}, variants[40])
        display.step(step(2))

    shown = picture(drive, height=20)
    assert "1 %, loss" in shown
    assert len(shown.splitlines()) < 20


def test_failures_and_a_request_to_stop_are_shown_and_steer_no_terminal():
    failed = VariantResult("lstm-1", "lstm", 1, error="It \x1b[31mdiverged.")
    shown = picture(lambda display: display.grid(VARIANTS, {"lstm-1": failed}, None), stop=StopRequest(requested=True))
    assert "It ␛[31mdiverged." in shown
    assert STOPPING in shown


def test_reading_before_the_first_model_is_shown():
    stream = io.StringIO()
    display = LiveComparison(Console(file=stream, width=80, force_terminal=True), StopRequest())
    with display.shown(), display.progress("reading tale", 200) as advance:
        advance(50)
        Console(file=stream).print(display._picture())
    assert "reading tale: 25 %" in stream.getvalue()


def test_a_name_with_markup_or_controls_is_shown_as_it_is():
    shown = []

    def drive(display):
        display.grid(VARIANTS, {}, VARIANTS[0])
        with display.progress("[/x]\x1b", 10):
            shown.append(_drawn(display))
        display.grid((), {}, None)
        with display.progress("reading [/x]\x1b]0;", 10):
            shown.append(_drawn(display))

    drive(LiveComparison(Console(file=io.StringIO(), width=120), StopRequest()))
    assert "[/x]␛" in shown[0]
    assert "reading [/x]␛]0;" in shown[1]


def _drawn(display):
    console = Console(file=io.StringIO(), width=120)
    console.print(display._picture())
    return console.file.getvalue()


def test_each_model_has_lines_and_some_for_its_training():
    stream = io.StringIO()
    seconds = [0.0]
    display = ComparisonLines(LineDisplay(stream), now=lambda: seconds[0])
    with display.shown():
        display.note("the text is short")
        display.grid(VARIANTS, {}, VARIANTS[0])
        display.grid(VARIANTS, {"ngram-5": COUNTED}, VARIANTS[1])
        with display.progress("scoring", 3) as advance:
            advance(3)
        display.note("of a run, not of the comparison")
        for now in (10.0, 31.0, 35.0):
            seconds[0] = now
            display.step(step(100))
        display.grid(
            VARIANTS, {"ngram-5": COUNTED, "lstm-1": VariantResult("lstm-1", "lstm", 1, error="It diverged.")}, None
        )
    assert stream.getvalue().splitlines() == [
        "the text is short",
        "ngram-5 … (0 of 2 models done)",
        "ngram-5 (0:00): 2.1250 bits/char, 1,234 parameters",
        "lstm-1 … (1 of 2 models done)",
        "lstm-1: 50 %, loss 1.7500 nats/char",
        "lstm-1 (0:35): failed: It diverged.",
    ]


def test_a_line_that_cannot_be_written_ends_the_comparison_after_its_run_has_saved():
    class Full(io.StringIO):
        def flush(self):
            raise OSError(errno.ENOSPC, "No space left on device")

    stop, saved = StopRequest(graceful=True), []
    display = ComparisonLines(LineDisplay(Full(), stop))
    with pytest.raises(OSError, match="No space"), display.training(SUMMARY):
        display.warn("something")
        assert stop.requested
        saved.append(True)
    assert saved


def test_where_there_is_no_terminal_lines_are_printed_and_quiet_prints_nothing(capsys):
    assert isinstance(make_comparison_display(StopRequest(), quiet=False), ComparisonLines)
    quiet = make_comparison_display(StopRequest(), quiet=True)
    assert isinstance(quiet, QuietComparison)
    with quiet.shown():
        quiet.grid(VARIANTS, {}, VARIANTS[0])
        quiet.stopping()
    assert capsys.readouterr() == ("", "")


def test_a_run_of_the_grid_has_no_notes_of_its_own():
    stream = io.StringIO()
    display = LiveComparison(Console(file=stream), StopRequest())
    display.grid(VARIANTS, {}, VARIANTS[1])
    display.note("a run's note")
    assert stream.getvalue() == ""
