import io
import sys
from pathlib import Path

import pytest

from charlm.cli.display.console import plain_console
from charlm.cli.display.lines import LineDisplay
from charlm.cli.display.tuning import QuietTuning, TuningLines, make_tuning_display, print_findings
from charlm.runs.compare.findings import Findings, Repeated, ranked
from charlm.runs.compare.study import TrialRow
from charlm.runs.reporting import StepReport, StopRequest

ROWS = [
    TrialRow(0, "finished", {"learning_rate": 0.0344, "dropout": 0.05}, 2.0, 1.0),
    TrialRow(1, "finished", {"learning_rate": 0.01234567, "cell": "gru"}, 1.9, 1.0),
    TrialRow(2, "pruned", {"learning_rate": 0.1}, 2.5, 0.5),
    TrialRow(3, "failed", {}, error="There is no memory."),
]


def printed(findings):
    stream = io.StringIO()
    print_findings(plain_console(stream), findings, Path("checkpoints/s"))
    return stream.getvalue()


def test_trials_stand_by_rank_with_what_came_of_the_others():
    out = printed(Findings(ranked(ROWS)))
    lines = [line.split() for line in out.splitlines()]
    assert ["1", "1", "1.9000", "gru", "-", "0.01235"] in lines
    assert ["2", "0", "2.0000", "-", "0.05", "0.0344", "what", "charlm", "train", "chooses"] in lines
    assert "pruned at 50%" in out and "failed: There is no memory." in out
    assert "trial 1, 0.1000 bits/char below what charlm train chooses; how much of that is luck was not" in out
    assert "charlm train --config checkpoints/s/best.toml" in out and "charlm sample s/trial-001" in out


def test_luck_is_told_by_the_spread_over_seeds():
    clear = (Repeated(0, (2.0, 2.01, 2.02)), Repeated(1, (1.9, 1.91, 1.92)))
    out = printed(Findings(ranked(ROWS), clear))
    assert "Trial 1 with 3 seeds: 1.9100 bits/char, spread 0.0100 (1.9000, 1.9100, 1.9200)." in out
    assert "0.1000 bits/char below what charlm train chooses: more than the spread over seeds." in out
    lucky = (Repeated(0, (2.0, 1.9, 2.1)), Repeated(1, (1.9, 1.98, 2.0)))
    assert "no more than the spread over seeds" in printed(Findings(ranked(ROWS), lucky))
    worse = (Repeated(0, (2.0, 1.9, 2.1)), Repeated(1, (1.9, 2.98, 2.0)))
    assert "Nothing was found that is better" in printed(Findings(ranked(ROWS), worse))


def test_where_no_trial_has_finished_the_table_is_all():
    assert "Next" not in printed(Findings(ranked(ROWS[2:])))


def test_lines_tell_what_is_trained_and_what_came_of_it():
    stream, seconds = io.StringIO(), [0.0]
    display = TuningLines(LineDisplay(stream), now=lambda: seconds[0])
    display.note("Measuring …")
    display.upcoming("trial-001", ROWS[:1], total=5)
    seconds[0] = 31.0
    display.step(StepReport(50, 1.75, 1e-3, 0.5, 0.0, 0, 1e5, total_steps=200, share=0.25))
    display.step(StepReport(51, 1.75, 1e-3, 0.5, 0.0, 0, 1e5, total_steps=200, share=0.25))
    display.over(ROWS[1])
    display.over(ROWS[2])
    assert stream.getvalue().splitlines() == [
        "Measuring …",
        "trial-001 … (1 of 5 trials done)",
        "trial-001: 25%, loss 1.7500 nats/symbol",
        "trial-001 (0:31): 1.9000 bits, the best so far [learning_rate 0.01235, cell gru]",
        "trial-002 (0:31): pruned at 50%: 2.5000 bits [learning_rate 0.1]",
    ]


@pytest.mark.parametrize("quiet", [True, False])
def test_a_quiet_display_is_silent(quiet, capsys):
    display = make_tuning_display(StopRequest(), quiet=quiet)
    assert isinstance(display, QuietTuning) == quiet
    display.upcoming("trial-000", [], total=1)
    display.over(ROWS[0])
    display.stopping() if quiet else None
    sys.stderr.flush()
    assert bool(capsys.readouterr().err) != quiet
