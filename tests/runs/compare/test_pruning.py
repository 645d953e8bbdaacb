import pytest

from charlm.runs.compare.pruning import bits_at, is_behind

POINTS = {0.2: 3.0, 0.6: 2.0, 1.0: 1.8}


@pytest.mark.parametrize(
    ("share", "bits"), [(0.2, 3.0), (0.4, 2.5), (0.6, 2.0), (0.7, 1.95), (1.0, 1.8), (0.1, None), (1.1, None)]
)
def test_bits_between_two_evaluations_lie_on_a_line(share, bits):
    assert bits_at(share, POINTS) == (bits if bits is None else pytest.approx(bits))


def test_a_trial_without_evaluations_says_nothing():
    assert bits_at(0.5, {}) is None


def test_a_trial_is_given_up_where_it_is_worse_than_the_median_at_the_same_time():
    finished = [{0.5: bits, 1.0: 1.0} for bits in (2.0, 2.1, 2.2, 2.3)]
    assert is_behind(0.5, 2.16, finished)
    assert not is_behind(0.5, 2.15, finished)
    assert not is_behind(0.5, 2.0, finished)


def test_too_early_too_late_or_beside_too_few_no_trial_is_given_up():
    finished = [{0.1: 2.0, 1.0: 1.0}] * 4
    assert is_behind(0.4, 9.0, finished)
    assert not is_behind(0.39, 9.0, finished)
    assert not is_behind(1.0, 9.0, finished)
    assert not is_behind(0.5, 9.0, finished[:3])


def test_trials_that_were_not_evaluated_around_that_time_do_not_count():
    finished = [{0.1: 2.0, 1.0: 1.0}] * 3 + [{0.1: 2.0, 0.3: 1.9}]
    assert not is_behind(0.5, 9.0, finished)
