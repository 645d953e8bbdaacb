import pytest

from charlm.runs.compare.findings import Findings, Repeated, ranked
from charlm.runs.compare.study import TrialRow


def row(number, state, bits=None, share=1.0):
    return TrialRow(number, state, {}, bits, share)


ROWS = [
    row(0, "finished", 2.0),
    row(1, "failed"),
    row(2, "pruned", 1.5, 0.4),
    row(3, "finished", 1.9),
    row(4, "pruned", 2.5, 0.6),
]


def test_finished_trials_stand_first_and_then_those_that_came_furthest():
    assert [each.number for each in ranked(ROWS)] == [3, 0, 4, 2, 1]


def test_the_best_trial_is_kept_where_nothing_was_repeated():
    findings = Findings(ranked(ROWS))
    assert (findings.best.number, findings.usual.number, findings.gain) == (3, 0, pytest.approx(0.1))


def test_of_repeated_settings_those_with_the_better_mean_are_kept():
    lucky = (Repeated(0, (2.0, 2.0, 2.0)), Repeated(3, (1.9, 2.1, 2.3)))
    findings = Findings(ranked(ROWS), lucky)
    assert (findings.best.number, findings.gain) == (0, 0.0)
    better = (Repeated(0, (2.0, 2.1, 2.2)), Repeated(3, (1.9, 1.95, 2.0)))
    findings = Findings(ranked(ROWS), better)
    assert (findings.best.number, findings.gain) == (3, pytest.approx(2.1 - 1.95))
    assert better[0].spread == pytest.approx(0.1)


def test_nothing_finished_is_nothing_found():
    findings = Findings(ranked(ROWS[1:3]))
    assert findings.best is findings.usual is findings.gain is None
    assert findings.to_json()["best"] is None
