import pytest

from charlm.cli.display.lines import LineDisplay
from charlm.cli.display.progress import QuietDisplay, make_display
from tests.support.reports import SUMMARY, step_report


def test_quiet_shows_nothing_but_knows_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    display = make_display(quiet=True)
    assert isinstance(display, QuietDisplay)
    with display.training(SUMMARY):
        display.step(step_report(1))
        display.warn("no")
    assert display.run == SUMMARY.run
    assert capsys.readouterr() == ("", "")


def test_what_is_no_terminal_gets_lines_even_when_colour_is_forced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert isinstance(make_display(), LineDisplay)
