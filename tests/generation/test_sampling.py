import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charlm.config import SamplingConfig
from charlm.errors import CharlmError
from charlm.generation.sampling import (
    Drawer,
    apply_filters,
    apply_temperature,
    keep_min_p,
    keep_top_k,
    keep_top_p,
    softmax,
)

# Probabilities 1/2, 1/4, 1/8, 1/8.
HALVES = np.log(np.array([[0.5, 0.25, 0.125, 0.125]], dtype=np.float32))
FINITE = st.floats(-50, 50, width=32)


def drawn(logits: np.ndarray, excluded: tuple[int, ...] = (), seed: int = 1, **changes: object) -> np.ndarray:
    """A symbol for each row, each row with the next seed."""
    seeds = range(seed, seed + len(logits))
    return Drawer(plain(**changes), vocabulary_size=logits.shape[1], excluded=excluded, seeds=seeds).draw(logits)


def possible(logits: np.ndarray) -> list[list[int]]:
    return [[i for i, value in enumerate(row) if value > -math.inf] for row in logits.tolist()]


def drawable(probabilities: np.ndarray) -> list[list[int]]:
    return [[i for i, value in enumerate(row) if value > 0] for row in probabilities.tolist()]


def distribution(logits: np.ndarray, settings: SamplingConfig) -> np.ndarray:
    return softmax(apply_filters(apply_temperature(logits, settings.temperature), settings))


def plain(**changes: object) -> SamplingConfig:
    return SamplingConfig.model_validate({"temperature": 1.0, **changes})


def test_temperature_one_half_squares_the_probabilities():
    # (1/4, 1/16, 1/64, 1/64) is 16 : 4 : 1 : 1.
    probabilities = softmax(apply_temperature(HALVES, 0.5))
    assert probabilities[0].tolist() == pytest.approx([16 / 22, 4 / 22, 1 / 22, 1 / 22])


def test_temperature_two_takes_the_square_root_of_the_probabilities():
    root = math.sqrt(0.5)
    expected = np.array([root, 0.5, root / 2, root / 2])
    probabilities = softmax(apply_temperature(HALVES, 2.0))
    assert probabilities[0].tolist() == pytest.approx((expected / expected.sum()).tolist(), rel=1e-6)


@pytest.mark.parametrize("temperature", [5e-324, 1e-300, 1e-40, 1e-6])
def test_a_tiny_temperature_does_not_overflow(temperature):
    logits = np.array([[1e30, 3.0, -math.inf, -1e30], [1.0, 2.0, 2.0, 0.0]], dtype=np.float32)
    probabilities = distribution(logits, plain(temperature=temperature))
    assert probabilities.tolist() == [[1.0, 0.0, 0.0, 0.0], [0.0, 0.5, 0.5, 0.0]]


def test_a_huge_temperature_makes_possible_symbols_equally_likely():
    logits = np.array([[5.0, -5.0, -math.inf, 0.0]])
    assert distribution(logits, plain(temperature=1e308))[0].tolist() == pytest.approx([1 / 3, 1 / 3, 0, 1 / 3])


def test_top_k_keeps_exactly_k_and_the_lower_number_of_a_tie():
    assert possible(keep_top_k(HALVES, 3)) == [[0, 1, 2]]
    assert possible(keep_top_k(np.zeros((2, 4)), 2)) == [[0, 1], [0, 1]]


def test_top_k_above_the_vocabulary_keeps_all():
    assert np.array_equal(keep_top_k(HALVES, 9), HALVES)


def test_top_p_keeps_the_symbol_that_reaches_p():
    assert possible(keep_top_p(HALVES, 0.4)) == [[0]]
    assert possible(keep_top_p(HALVES, 0.6)) == [[0, 1]]
    assert possible(keep_top_p(HALVES, 0.8)) == [[0, 1, 2]]
    assert possible(keep_top_p(HALVES, 0.9)) == [[0, 1, 2, 3]]


def test_top_p_works_on_symbols_in_any_order_and_on_each_row_alone():
    logits = np.stack([HALVES[0, [2, 1, 3, 0]], HALVES[0]])
    assert possible(keep_top_p(logits, 0.6)) == [[1, 3], [0, 1]]


def test_the_smallest_top_p_keeps_one_symbol_even_of_a_tie():
    assert possible(keep_top_p(np.zeros((1, 4)), 1e-300)) == [[0]]


def test_top_p_one_keeps_even_what_rounding_makes_certain():
    logits = np.array([[0.0, -100.0, -200.0]])
    assert possible(keep_top_p(logits, 1.0)) == [[0, 1, 2]]


def test_min_p_compares_with_the_likeliest():
    assert possible(keep_min_p(HALVES, 0.6)) == [[0]]
    assert possible(keep_min_p(HALVES, 0.4)) == [[0, 1]]
    assert possible(keep_min_p(HALVES, 0.2)) == [[0, 1, 2, 3]]


def test_min_p_zero_keeps_all_and_one_keeps_the_likeliest():
    assert np.array_equal(keep_min_p(HALVES, 0.0), HALVES)
    assert possible(keep_min_p(np.array([[1.0, 3.0, 3.0]]), 1.0)) == [[1, 2]]


def test_filters_act_on_the_tempered_distribution():
    # At temperature 1/2 the likeliest has 16/22 = 0.73 of the probability, at 1 it has 0.5.
    assert drawable(distribution(HALVES, plain(temperature=0.5, top_p=0.7))) == [[0]]
    assert drawable(distribution(HALVES, plain(temperature=1.0, top_p=0.7))) == [[0, 1]]


def test_top_p_counts_what_top_k_left():
    # Of 1/2 and 1/4 alone, the first has 2/3 of the probability.
    assert drawable(distribution(HALVES, plain(top_k=2, top_p=0.6))) == [[0]]
    assert distribution(HALVES, plain(top_k=2))[0].tolist() == pytest.approx([2 / 3, 1 / 3, 0, 0])


def test_what_is_excluded_takes_no_part_in_any_filter():
    # Without the likeliest, 1/4, 1/8 and 1/8 are left: the two best are symbols 1 and 2, and only 1 is near the best.
    logits = HALVES.repeat(500, axis=0)
    assert set(drawn(logits, (0,))) == {1, 2, 3}
    assert set(drawn(logits, (0,), top_k=2)) == {1, 2}
    assert set(drawn(logits, (0,), min_p=0.6)) == {1}
    assert set(drawn(logits, (0,), temperature=0.0)) == {1}


def test_temperature_zero_takes_the_lowest_of_the_likeliest_and_spends_no_number():
    logits = np.array([[0.0, 2.0, 2.0, 1.0], [-math.inf, -5.0, -6.0, -5.0]])
    assert drawn(logits, temperature=0.0, top_k=1).tolist() == [1, 1]


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_logits_that_are_not_finite_are_refused(bad, temperature):
    logits = np.array([[0.0, 1.0], [bad, 0.0]], dtype=np.float32)
    with pytest.raises(CharlmError, match="output is not finite"):
        drawn(logits, temperature=temperature)


def test_a_row_where_nothing_is_possible_is_refused():
    with pytest.raises(CharlmError, match="output is not finite"):
        drawn(np.array([[0.0, 0.0, 0.0], [-math.inf, -math.inf, -math.inf]]))


def test_a_draw_is_the_symbol_whose_share_of_the_unit_interval_holds_the_number():
    numbers = [np.random.default_rng(seed).random() for seed in range(7, 12)]
    borders = [0.5, 0.75, 0.875, 1.0]
    expected = [next(i for i, border in enumerate(borders) if number < border) for number in numbers]
    assert len(set(expected)) > 1
    assert drawn(HALVES.repeat(5, axis=0), seed=7).tolist() == expected


def test_a_stream_draws_one_number_after_another_of_its_own_seed():
    numbers = [np.random.default_rng(seed).random(200).tolist() for seed in (5, 3)]
    both = Drawer(plain(), vocabulary_size=4, seeds=(5, 3))
    drawn_by_both = [both.draw(HALVES.repeat(2, axis=0)).tolist() for _ in range(200)]
    borders = [0.5, 0.75, 0.875, 1.0]
    for stream, own in enumerate(numbers):
        expected = [next(i for i, border in enumerate(borders) if number < border) for number in own]
        assert [each[stream] for each in drawn_by_both] == expected


def test_draws_are_as_frequent_as_they_are_probable():
    num_draws = 20_000
    logits = np.array([[1.0, 0.0, -math.inf, 2.0, -1.0, 0.5]])
    weights = [math.exp(value) if value > -math.inf else 0.0 for value in logits[0].tolist()]
    expected = [num_draws * weight / sum(weights) for weight in weights]
    counts = np.bincount(drawn(logits.repeat(num_draws, axis=0), seed=3), minlength=6).tolist()
    assert counts[2] == 0
    chi_square = sum((count - mean) ** 2 / mean for count, mean in zip(counts, expected, strict=True) if mean)
    # Four degrees of freedom: 18.5 is exceeded once in a thousand seeds.
    assert chi_square < 18.5


def test_symbols_of_probability_zero_are_never_drawn_even_at_the_ends():
    logits = np.array([[-math.inf, -2000.0, 0.0, -2000.0, -math.inf]])
    assert set(drawn(logits.repeat(5000, axis=0)).tolist()) == {2}


@settings(max_examples=40, deadline=None)
@given(
    rows=st.integers(1, 6).flatmap(
        lambda size: st.lists(st.lists(FINITE, min_size=size, max_size=size), min_size=1, max_size=3)
    ),
    temperature=st.floats(1e-3, 100),
    top_k=st.none() | st.integers(1, 8),
    top_p=st.none() | st.floats(1e-9, 1),
    min_p=st.none() | st.floats(0, 1),
    seed=st.integers(0, 2**32),
)
def test_filters_keep_the_likeliest_and_draws_stay_within_what_they_keep(rows, temperature, top_k, top_p, min_p, seed):
    logits = np.array(rows, dtype=np.float32)
    config = plain(temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p)
    probabilities = distribution(logits, config)
    assert probabilities.sum(-1) == pytest.approx(np.ones(len(rows)))
    numbers = np.arange(len(rows))
    assert (probabilities[numbers, logits.argmax(-1)] > 0).all()
    if top_k is not None:
        assert ((probabilities > 0).sum(-1) <= top_k).all()
    seeds = range(seed, seed + len(rows))
    once, again = (Drawer(config, vocabulary_size=logits.shape[1], seeds=seeds).draw(logits) for _ in range(2))
    assert (probabilities[numbers, once] > 0).all()
    assert once.tolist() == again.tolist()


@settings(max_examples=100, deadline=None)
@given(values=st.lists(FINITE, min_size=1, max_size=8), p=st.floats(0.01, 0.99))
def test_top_p_keeps_the_smallest_set_that_reaches_p(values, p):
    logits = np.array([values])
    probabilities = softmax(logits)[0]
    kept = possible(keep_top_p(logits, p))[0]
    mass = probabilities[kept].sum()
    assert mass >= p - 1e-12
    assert mass - probabilities[kept].min() < p + 1e-12
