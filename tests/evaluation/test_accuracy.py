import math

import pytest

from charlm.evaluation.accuracy import Share, score_labels


def test_rows_follow_from_the_confusion() -> None:
    score = score_labels(["a", "a", "a", "b", "c"], ["a", "a", "b", "b", "d"])
    assert score.accuracy == Share(3, 5)
    rows = {row.label: (row.true, row.precision, row.recall, row.f1) for row in score.rows}
    assert rows["a"] == (3, 1.0, pytest.approx(2 / 3), pytest.approx(0.8))
    assert rows["b"] == (1, 0.5, 1.0, pytest.approx(2 / 3))
    assert rows["c"] == (1, 0.0, 0.0, 0.0) and rows["d"] == (0, 0.0, 0.0, 0.0)
    # Labels that no example has are left out: (0.8 + 2/3 + 0) / 3.
    assert score.macro_f1 == pytest.approx((0.8 + 2 / 3) / 3)
    assert score.confusion == {("a", "a"): 2, ("a", "b"): 1, ("b", "b"): 1, ("c", "d"): 1}


def test_the_interval_is_wilsons() -> None:
    # 9 of 10: centre (0.9 + z²/20) / (1 + z²/10), half-width z sqrt(0.009 + z²/400) / (1 + z²/10), with z = 1.96.
    low, high = Share(9, 10).interval
    z = 1.959964
    centre, width = 0.9 + z * z / 20, z * math.sqrt(0.9 * 0.1 / 10 + z * z / 400)
    assert (low, high) == pytest.approx(((centre - width) / (1 + z * z / 10), (centre + width) / (1 + z * z / 10)))
    assert Share(0, 7).interval[0] == 0.0 and Share(7, 7).interval[1] == 1.0
    assert Share(0, 0).interval == (0.0, 1.0) and math.isnan(Share(0, 0).value)
