import math

import pytest

from charlm.training.pace import Pace, learning_rate_at, shortened_warmup


@pytest.mark.parametrize(("total", "points"), [(7, 3), (100, 7), (5, 5), (1, 1), (1000, 10), (99_991, 100)])
def test_points_are_evenly_spaced_and_the_last_is_the_end(total, points):
    pace = Pace(total)
    steps = [step for step in range(1, total + 1) if pace.passes_point(step, points)]
    # In whole numbers, the point after which more than one share is done.
    assert steps == [s for s in range(1, total + 1) if s * points // total > (s - 1) * points // total]
    assert len(steps) == points
    assert steps[-1] == total


def test_progress_is_the_share_of_steps():
    pace = Pace(40)
    assert [pace.progress(step) for step in (0, 10, 40, 41)] == [0.0, 0.25, 1.0, 1.0]


def test_a_new_leg_goes_on_from_the_progress_there_is():
    pace = Pace(100)
    pace.replan(50, total_steps=70)
    assert pace.total_steps == 70
    assert [pace.progress(step) for step in (49, 50, 60, 70)] == [0.49, 0.5, 0.75, 1.0]
    assert sum(pace.passes_point(step, 10) for step in range(1, 71)) == 10
    assert [pace.points(step, 4) for step in (24, 25, 50, 59, 60, 70)] == [0, 1, 2, 2, 3, 4]


def test_a_pace_that_is_cut_short_tells_where():
    pace = Pace(100)
    assert (pace.cut_short_at, Pace(1).cut_short_at) == (None, None)
    pace.replan(40, total_steps=80)
    assert pace.cut_short_at is None
    pace.replan(50, total_steps=51)
    assert pace.cut_short_at == pace.progress(50) == 0.55
    later = Pace(100)
    later.replan(71, total_steps=72)
    assert later.cut_short_at is None


def test_a_pace_of_the_same_legs_is_the_same():
    pace = Pace(100)
    pace.replan(33, total_steps=71)
    again = Pace(pace.total_steps, legs=pace.legs)
    assert [again.progress(step) for step in range(72)] == [pace.progress(step) for step in range(72)]


def rate(step: int, **settings: float) -> float:
    return learning_rate_at(step, step / 100, **({"peak": 1.0, "final_share": 0.1, "warmup_steps": 4} | settings))


def test_the_learning_rate_rises_then_follows_a_cosine():
    assert rate(0) == pytest.approx(1 / 5)
    assert rate(3) == pytest.approx(4 / 5 * (0.1 + 0.45 * (1 + math.cos(math.pi * 0.03))))
    assert rate(50) == pytest.approx(0.55)
    assert rate(100) == pytest.approx(0.1)


def test_a_short_training_warms_up_for_a_tenth_of_it():
    assert shortened_warmup(50, total_steps=10) == 1
    assert shortened_warmup(50, total_steps=10_000) == 50
