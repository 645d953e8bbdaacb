import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from charlm.config import SamplingConfig
from charlm.errors import CharlmError
from charlm.generation.sampling import (
    apply_temperature,
    distribution,
    draw,
    exclude,
    keep_min_p,
    keep_top_k,
    keep_top_p,
)

# Probabilities 1/2, 1/4, 1/8, 1/8.
HALVES = torch.log2(torch.tensor([[0.5, 0.25, 0.125, 0.125]])) * math.log(2)
FINITE = st.floats(-50, 50, width=32)


def rng(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def possible(logits: torch.Tensor) -> list[list[int]]:
    return [[i for i, value in enumerate(row) if value > -math.inf] for row in logits.tolist()]


def plain(**changes: object) -> SamplingConfig:
    return SamplingConfig.model_validate({"temperature": 1.0, **changes})


def test_temperature_one_half_squares_the_probabilities():
    # (1/4, 1/16, 1/64, 1/64) is 16 : 4 : 1 : 1.
    probabilities = apply_temperature(HALVES, 0.5).softmax(-1)
    assert probabilities[0].tolist() == pytest.approx([16 / 22, 4 / 22, 1 / 22, 1 / 22])


def test_temperature_two_takes_the_square_root_of_the_probabilities():
    root = math.sqrt(0.5)
    expected = torch.tensor([root, 0.5, root / 2, root / 2])
    probabilities = apply_temperature(HALVES, 2.0).softmax(-1)
    assert probabilities[0].tolist() == pytest.approx((expected / expected.sum()).tolist(), rel=1e-6)


@pytest.mark.parametrize("temperature", [5e-324, 1e-300, 1e-40, 1e-6])
def test_a_tiny_temperature_does_not_overflow(temperature):
    logits = torch.tensor([[1e30, 3.0, -math.inf, -1e30], [1.0, 2.0, 2.0, 0.0]])
    probabilities = distribution(logits, plain(temperature=temperature))
    assert probabilities.tolist() == [[1.0, 0.0, 0.0, 0.0], [0.0, 0.5, 0.5, 0.0]]


def test_a_huge_temperature_makes_possible_symbols_equally_likely():
    logits = torch.tensor([[5.0, -5.0, -math.inf, 0.0]])
    assert distribution(logits, plain(temperature=1e308))[0].tolist() == pytest.approx([1 / 3, 1 / 3, 0, 1 / 3])


def test_top_k_keeps_exactly_k_and_the_lower_number_of_a_tie():
    assert possible(keep_top_k(HALVES, 3)) == [[0, 1, 2]]
    assert possible(keep_top_k(torch.zeros(2, 4), 2)) == [[0, 1], [0, 1]]


def test_top_k_above_the_vocabulary_keeps_all():
    assert torch.equal(keep_top_k(HALVES, 9), HALVES)


def test_top_p_keeps_the_symbol_that_reaches_p():
    assert possible(keep_top_p(HALVES, 0.4)) == [[0]]
    assert possible(keep_top_p(HALVES, 0.6)) == [[0, 1]]
    assert possible(keep_top_p(HALVES, 0.8)) == [[0, 1, 2]]
    assert possible(keep_top_p(HALVES, 0.9)) == [[0, 1, 2, 3]]


def test_top_p_works_on_symbols_in_any_order_and_on_each_row_alone():
    logits = torch.stack([HALVES[0, [2, 1, 3, 0]], HALVES[0]])
    assert possible(keep_top_p(logits, 0.6)) == [[1, 3], [0, 1]]


def test_the_smallest_top_p_keeps_one_symbol_even_of_a_tie():
    assert possible(keep_top_p(torch.zeros(1, 4), 1e-300)) == [[0]]


def test_top_p_one_keeps_even_what_rounding_makes_certain():
    logits = torch.tensor([[0.0, -100.0, -200.0]], dtype=torch.float64)
    assert possible(keep_top_p(logits, 1.0)) == [[0, 1, 2]]


def test_min_p_compares_with_the_likeliest():
    assert possible(keep_min_p(HALVES, 0.6)) == [[0]]
    assert possible(keep_min_p(HALVES, 0.4)) == [[0, 1]]
    assert possible(keep_min_p(HALVES, 0.2)) == [[0, 1, 2, 3]]


def test_min_p_zero_keeps_all_and_one_keeps_the_likeliest():
    assert torch.equal(keep_min_p(HALVES, 0.0), HALVES)
    assert possible(keep_min_p(torch.tensor([[1.0, 3.0, 3.0]]), 1.0)) == [[1, 2]]


def test_filters_act_on_the_tempered_distribution():
    # At temperature 1/2 the likeliest has 16/22 = 0.73 of the probability, at 1 it has 0.5.
    assert possible(distribution(HALVES, plain(temperature=0.5, top_p=0.7)).log()) == [[0]]
    assert possible(distribution(HALVES, plain(temperature=1.0, top_p=0.7)).log()) == [[0, 1]]


def test_top_p_counts_what_top_k_left():
    # Of 1/2 and 1/4 alone, the first has 2/3 of the probability.
    assert possible(distribution(HALVES, plain(top_k=2, top_p=0.6)).log()) == [[0]]
    assert distribution(HALVES, plain(top_k=2))[0].tolist() == pytest.approx([2 / 3, 1 / 3, 0, 0])


def test_what_is_excluded_takes_no_part_in_any_filter():
    logits = exclude(HALVES, torch.tensor([0]))
    assert possible(logits) == [[1, 2, 3]]
    assert distribution(logits, plain(top_k=2))[0].tolist() == pytest.approx([0, 2 / 3, 1 / 3, 0])
    assert possible(distribution(logits, plain(min_p=0.6)).log()) == [[1]]


def test_excluding_nothing_changes_nothing():
    assert torch.equal(exclude(HALVES, torch.tensor([], dtype=torch.int64)), HALVES)


def test_temperature_zero_takes_the_lowest_of_the_likeliest_and_draws_nothing():
    generator = rng()
    before = generator.get_state()
    logits = torch.tensor([[0.0, 2.0, 2.0, 1.0], [-math.inf, -5.0, -6.0, -5.0]])
    assert draw(logits, plain(temperature=0.0, top_k=1), generator).tolist() == [1, 1]
    assert torch.equal(generator.get_state(), before)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_logits_that_are_not_finite_are_refused(bad, temperature):
    logits = torch.tensor([[0.0, 1.0], [bad, 0.0]])
    with pytest.raises(CharlmError, match="output is not finite"):
        draw(logits, plain(temperature=temperature), rng())


def test_a_row_where_nothing_is_possible_is_refused():
    with pytest.raises(CharlmError, match="output is not finite"):
        draw(torch.full((1, 3), -math.inf), plain(), rng())


def test_a_draw_is_the_symbol_whose_share_of_the_unit_interval_holds_the_number():
    numbers = torch.rand((5, 1), dtype=torch.float64, generator=rng(7)).flatten().tolist()
    borders = [0.5, 0.75, 0.875, 1.0]
    expected = [next(i for i, border in enumerate(borders) if number < border) for number in numbers]
    assert len(set(expected)) > 1
    assert draw(HALVES.repeat(5, 1), plain(), rng(7)).tolist() == expected


def test_draws_are_as_frequent_as_they_are_probable():
    num_draws = 20_000
    logits = torch.tensor([[1.0, 0.0, -math.inf, 2.0, -1.0, 0.5]])
    weights = [math.exp(value) if value > -math.inf else 0.0 for value in logits[0].tolist()]
    expected = [num_draws * weight / sum(weights) for weight in weights]
    counts = torch.bincount(draw(logits.repeat(num_draws, 1), plain(), rng(3)), minlength=6).tolist()
    assert counts[2] == 0
    chi_square = sum((count - mean) ** 2 / mean for count, mean in zip(counts, expected, strict=True) if mean)
    # Four degrees of freedom: 18.5 is exceeded once in a thousand seeds.
    assert chi_square < 18.5


def test_symbols_of_probability_zero_are_never_drawn_even_at_the_ends():
    logits = torch.tensor([[-math.inf, -2000.0, 0.0, -2000.0, -math.inf]])
    assert set(draw(logits.repeat(5000, 1), plain(), rng()).tolist()) == {2}


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
    logits = torch.tensor(rows)
    config = plain(temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p)
    probabilities = distribution(logits, config)
    assert torch.allclose(probabilities.sum(-1), torch.ones(len(rows), dtype=torch.float64))
    assert (probabilities.gather(-1, logits.argmax(-1, keepdim=True)) > 0).all()
    if top_k is not None:
        assert ((probabilities > 0).sum(-1) <= top_k).all()
    drawn = draw(logits, config, rng(seed))
    assert (probabilities.gather(-1, drawn[:, None]) > 0).all()
    assert torch.equal(drawn, draw(logits, config, rng(seed)))


@settings(max_examples=100, deadline=None)
@given(values=st.lists(FINITE, min_size=1, max_size=8), p=st.floats(0.01, 0.99))
def test_top_p_keeps_the_smallest_set_that_reaches_p(values, p):
    logits = torch.tensor([values], dtype=torch.float64)
    probabilities = logits.softmax(-1)[0]
    kept = torch.tensor(possible(keep_top_p(logits, p))[0])
    mass = probabilities[kept].sum()
    assert mass >= p - 1e-12
    assert mass - probabilities[kept].min() < p + 1e-12
