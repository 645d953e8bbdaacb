import pytest

from charlm.training.planning import FEWEST_STEPS, divide, suggested_steps


def test_a_budget_is_filled_with_steps_and_evaluations():
    plan = divide(100.0, step_seconds=0.1, scoring_seconds=0.3, around_seconds=0.2, evaluations=10, is_fixed=False)
    assert (plan.steps, plan.evaluations, plan.share, plan.evaluation_seconds) == (950, 10, 1.0, 0.5)


def test_evaluations_take_at_most_a_twentieth_of_a_budget():
    plan = divide(100.0, step_seconds=1.0, scoring_seconds=0.5, around_seconds=0.5, evaluations=10, is_fixed=False)
    assert (plan.steps, plan.evaluations, plan.share) == (95, 5, 1.0)


def test_there_are_three_evaluations_of_less_text_where_the_text_is_long():
    plan = divide(100.0, step_seconds=1.0, scoring_seconds=8.0, around_seconds=0.5, evaluations=10, is_fixed=False)
    # A third of 5 s each, half a second of which is for saving.
    assert plan.evaluations == 3
    assert plan.share == pytest.approx((5 / 3 - 0.5) / 8)
    assert plan.steps == 95


def test_evaluations_that_were_asked_for_stand():
    plan = divide(100.0, step_seconds=1.0, scoring_seconds=8.0, around_seconds=0.0, evaluations=20, is_fixed=True)
    assert (plan.evaluations, plan.share, plan.steps) == (20, pytest.approx(0.25 / 8), 95)


def test_a_budget_has_at_least_one_step_and_evaluations_read_at_least_a_fiftieth():
    plan = divide(1.0, step_seconds=50.0, scoring_seconds=50.0, around_seconds=1.0, evaluations=10, is_fixed=False)
    assert (plan.steps, plan.evaluations, plan.share) == (1, 3, 0.02)


@pytest.mark.parametrize(("symbols", "share"), [(1000, 1.0), (20_000, 0.25), (1_000_000, 0.02)])
def test_evaluations_read_at_least_five_thousand_symbols(symbols, share):
    plan = divide(
        1.0,
        step_seconds=0.1,
        scoring_seconds=50.0,
        around_seconds=1.0,
        evaluations=10,
        is_fixed=False,
        evaluated_symbols=symbols,
    )
    assert plan.share == share


@pytest.mark.parametrize(("steps", "longer"), [(2, FEWEST_STEPS), (250, 500), (251, 502)])
def test_a_training_is_worth_going_on_with_to_twice_its_length_or_to_five_hundred_steps(steps, longer):
    assert suggested_steps(steps) == longer
