"""Plans that end on time: simulated trainings whose steps and evaluations take seconds of a clock of their own."""

import pytest

from charlm.training.deadline import Deadline
from charlm.training.pace import Pace

POINTS = 100


def simulate(step_seconds, *, seconds=300.0, steps, evaluations=10, evaluation_seconds=1.0):
    """Returns the seconds that a training takes, and its steps, if the plan follows the clock at every hundredth.

    Args:
        step_seconds: seconds of a step, as a function of the time.
        steps: planned at first.
    """
    pace, deadline, now = Pace(steps), Deadline(seconds, evaluation_seconds=evaluation_seconds), 0.0
    step = 0
    while step < pace.total_steps:
        now += step_seconds(now)
        step += 1
        if not pace.passes_point(step, POINTS) and not pace.passes_point(step, evaluations):
            continue
        deadline.after_steps(step, elapsed=now)
        if pace.passes_point(step, evaluations):
            now += evaluation_seconds
            deadline.after_evaluation(elapsed=now)
        if step < pace.total_steps:
            left = evaluations - pace.points(step, evaluations)
            total = deadline.total_steps(step, planned=pace.total_steps, evaluations_left=left, elapsed=now)
            if total != pace.total_steps:
                pace.replan(step, total_steps=total)
    return now, step


def test_a_plan_that_is_right_does_not_change():
    deadline = Deadline(100.0, evaluation_seconds=5.0)
    deadline.after_steps(40, elapsed=36.0)
    # 100 steps of 0.9 s and two evaluations of 5 s take 100 s.
    assert deadline.total_steps(40, planned=100, evaluations_left=2, elapsed=36.0) == 100


def test_nothing_is_planned_before_a_step_was_timed():
    assert Deadline(10.0, evaluation_seconds=0.0).total_steps(0, planned=7, evaluations_left=1, elapsed=9.0) == 7


def test_what_follows_is_slower_where_steps_are_slower():
    deadline = Deadline(100.0, evaluation_seconds=0.0, ending_seconds=4.0)
    deadline.after_steps(20, elapsed=20.0)
    assert deadline.total_steps(20, planned=100, evaluations_left=0, elapsed=20.0) == 100
    deadline.after_steps(30, elapsed=60.0)
    # From one second a step to 2.5 in the mean: the end takes six seconds more, and 34 s are left for steps of 2.5.
    assert deadline.total_steps(30, planned=100, evaluations_left=0, elapsed=60.0) == 30 + 13


def test_more_steps_than_the_text_has_use_for_are_not_planned_and_fewer_where_time_is_short():
    deadline = Deadline(100.0, evaluation_seconds=0.0, most_steps=60)
    deadline.after_steps(10, elapsed=5.0)
    assert deadline.total_steps(10, planned=60, evaluations_left=0, elapsed=5.0) == 60
    deadline.after_steps(20, elapsed=80.0)
    # Four seconds a step: the time left has room for five.
    assert deadline.total_steps(20, planned=60, evaluations_left=0, elapsed=80.0) == 25
    deadline.after_steps(24, elapsed=80.4)
    deadline.after_steps(25, elapsed=80.5)
    assert deadline.total_steps(25, planned=26, evaluations_left=0, elapsed=80.5) == 43
    deadline.after_steps(42, elapsed=82.2)
    assert deadline.total_steps(42, planned=43, evaluations_left=0, elapsed=82.2) == 60


def test_too_late_is_one_step_more():
    deadline = Deadline(100.0, evaluation_seconds=0.0)
    deadline.after_steps(50, elapsed=300.0)
    assert deadline.total_steps(50, planned=100, evaluations_left=0, elapsed=300.0) == 51


@pytest.mark.parametrize("planned", [1000, 3000, 9000])
def test_a_wrong_first_plan_ends_on_time(planned):
    taken, steps = simulate(lambda now: 0.1, steps=planned)
    assert taken == pytest.approx(300.0, rel=0.005)
    assert steps == pytest.approx(2900, rel=0.01)


@pytest.mark.parametrize("at", [30.0, 150.0, 270.0, 290.0])
@pytest.mark.parametrize("factor", [0.5, 2.0, 3.0])
def test_a_machine_that_becomes_busy_or_free_ends_on_time(at, factor):
    taken, _ = simulate(lambda now: 0.1 if now < at else 0.1 * factor, steps=2900)
    assert 0.97 * 300.0 < taken < 1.02 * 300.0


def test_a_busy_moment_at_the_start_costs_that_moment_only():
    # Thirty seconds at a third of the speed: twenty seconds, 200 steps, are lost.
    taken, steps = simulate(lambda now: 0.3 if now < 30.0 else 0.1, steps=960)
    assert taken == pytest.approx(300.0, rel=0.005)
    assert steps == pytest.approx(2700, rel=0.01)
