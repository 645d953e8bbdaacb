from charlm.training.planning import steps_for_budget


def test_a_budget_is_filled_with_steps_and_evaluations():
    plan = steps_for_budget(budget_seconds=100.0, step_seconds=0.1, evaluation_seconds=0.5, evaluations=10)
    assert plan == (950, 10)


def test_evaluations_take_at_most_a_twentieth_of_a_budget():
    plan = steps_for_budget(budget_seconds=100.0, step_seconds=1.0, evaluation_seconds=8.0, evaluations=10)
    assert plan == (92, 1)


def test_a_budget_has_at_least_one_step_and_one_evaluation():
    plan = steps_for_budget(budget_seconds=1.0, step_seconds=50.0, evaluation_seconds=50.0, evaluations=10)
    assert plan == (1, 1)
