import math

import pytest

from charlm.training.forecast import forecast


def of(**changes):
    values = {"weights": 600_000, "batch_size": 1.0, "window": 64.0, "symbols": 4e6, "corpus_symbols": 10**9}
    return forecast(**(values | changes))


def test_at_its_units_the_forecast_is_the_sum_of_its_factors():
    # One unit of weights and of symbols; a batch of 64 symbols is 0.01 critical batches of 6,400.
    assert of() == pytest.approx(0.55 + math.pow(1 / 1.01, -0.456))


@pytest.mark.parametrize("symbols", [1e5, 1e6, 1e7, 1e9])
def test_more_of_everything_is_better_and_a_larger_batch_is_not(symbols):
    assert of(symbols=2 * symbols) < of(symbols=symbols)
    assert of(symbols=symbols, weights=10**7) < of(symbols=symbols)
    assert of(symbols=symbols, batch_size=32) > of(symbols=symbols)


def test_reading_again_is_worth_less_than_reading_on_and_in_the_end_nothing():
    once = of(symbols=1e6, corpus_symbols=10**6)
    again, on = of(symbols=2e6, corpus_symbols=10**6), of(symbols=2e6)
    assert on < again < once
    assert of(symbols=1e8, corpus_symbols=10**6) == pytest.approx(of(symbols=2e8, corpus_symbols=10**6))


def test_short_windows_cost_something_in_long_trainings_only():
    assert of(symbols=1e6, window=32.0, batch_size=2.0) == of(symbols=1e6)
    assert of(symbols=1e7, window=32.0, batch_size=2.0) > of(symbols=1e7)
