import numpy as np
import pytest

from charlm.evaluation.accuracy import Share, score_labels
from charlm.evaluation.resampling import interval_of, macro_f1_interval, quotient


def test_equal_examples_leave_no_doubt() -> None:
    assert interval_of([(1.0, 4.0)] * 9, quotient) == (0.25, 0.25)
    assert interval_of([(0.0, 0.0)], quotient) == (0.0, 0.0)


def test_the_interval_of_a_share_is_about_wilsons() -> None:
    rows = [(1.0, 1.0)] * 300 + [(0.0, 1.0)] * 100
    assert interval_of(rows, quotient) == pytest.approx(Share(300, 400).interval, abs=0.01)


def test_long_examples_make_it_wider_than_as_many_short_ones() -> None:
    low, high = interval_of([(50.0, 50.0)] * 6 + [(0.0, 50.0)] * 2, quotient)
    narrow_low, narrow_high = interval_of([(1.0, 1.0)] * 300 + [(0.0, 1.0)] * 100, quotient)
    assert high - low > 3 * (narrow_high - narrow_low)


def test_the_mean_f1_lies_in_its_interval() -> None:
    rng = np.random.default_rng(1)
    true = rng.choice(list("aab"), size=500).tolist()
    predicted = [label if chance < 0.8 else "a" for label, chance in zip(true, rng.random(500), strict=True)]
    score = score_labels(true, predicted)
    low, high = macro_f1_interval(score)
    assert low < score.macro_f1 < high < low + 0.12
    # All are right, or all are wrong, in whichever examples are drawn.
    assert macro_f1_interval(score_labels(["a", "b"] * 50, ["a", "b"] * 50)) == (1.0, 1.0)
    assert macro_f1_interval(score_labels(["a"] * 5, ["b"] * 5)) == (0.0, 0.0)
