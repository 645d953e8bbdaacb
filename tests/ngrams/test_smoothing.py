"""The probabilities against ones computed from the equations with dictionaries, one gram at a time."""

import itertools
from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.ngrams.build import count_model
from charlm.ngrams.smoothing import Discounts, estimate_discounts

TEXTS = st.lists(st.integers(0, 3), min_size=1, max_size=60)
BEGIN = 4


def stretches(text, begin):
    if begin is None:
        return [tuple(text)]
    starts = [place for place, symbol in enumerate(text) if symbol == begin]
    return [tuple(text[start:stop]) for start, stop in itertools.pairwise([*starts, len(text)])]


def slow_model(text, order, size, smoothing, begin=None):
    """Returns p(symbol, history) by Witten and Bell's, or Chen and Goodman's equations."""
    counts = [Counter() for _ in range(order + 1)]
    left = [defaultdict(set) for _ in range(order + 1)]
    first = [Counter() for _ in range(order + 1)]
    for stretch in stretches(text, begin):
        for length in range(1, order + 1):
            for place in range(len(stretch) - length + 1):
                gram = stretch[place : place + length]
                counts[length][gram] += 1
                if place == 0:
                    first[length][gram] += 1
                else:
                    left[length][gram].add(stretch[place - 1])
    if begin is not None:
        counts[1][begin,] = 0
    adjusted = [
        {
            gram: count if length == order or count == 0 else len(left[length][gram]) + first[length][gram]
            for gram, count in each.items()
        }
        for length, each in enumerate(counts)
    ]
    discounts = [estimate_discounts(np.array([0, *each.values()])).values for each in adjusted]

    def probability(symbol, history):
        lower = probability(symbol, history[1:]) if history else 1.0 / size
        length = len(history) + 1
        if smoothing == "witten-bell":
            following = {gram: n for gram, n in counts[length].items() if gram[:-1] == history and n > 0}
            total, distinct = sum(following.values()), len(following)
            return (following.get((*history, symbol), 0) + distinct * lower) / (total + distinct) if total else lower
        following = {gram: n for gram, n in adjusted[length].items() if gram[:-1] == history and n > 0}
        total = sum(following.values())
        if not total:
            return lower

        def off(n):
            return discounts[length][min(n, 3) - 1] if n else 0.0

        n = following.get((*history, symbol), 0)
        return (n - off(n)) / total + sum(map(off, following.values())) / total * lower

    return probability


def histories(text, order, begin):
    for stretch in stretches(text, begin):
        for place in range(len(stretch)):
            yield stretch[max(0, place + 2 - order) : place + 1]


@pytest.mark.parametrize("smoothing", ["witten-bell", "kneser-ney"])
@given(text=TEXTS, heard=st.lists(st.integers(0, 4), max_size=8), order=st.integers(1, 4))
def test_probabilities_are_those_of_the_equations(smoothing, text, heard, order):
    model = count_model(np.array(text), order=order, smoothing=smoothing, vocabulary_size=5).model
    slow = slow_model(text, order, 5, smoothing)
    contexts = model.contexts_after(np.array([0, *heard])[:, None], model.first_contexts(1))[:, :, 0]
    told = model.distributions(contexts)
    for row, history in zip(told, histories([0, *heard], model.order, None), strict=True):
        # A history that the text does not hold is that of its longest known end.
        expected = [slow(symbol, history[len(history) - min(len(history), model.order - 1) :]) for symbol in range(5)]
        assert row == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("smoothing", ["witten-bell", "kneser-ney"])
@given(records=st.lists(st.lists(st.integers(0, 3), max_size=6), min_size=1, max_size=12), order=st.integers(1, 4))
def test_records_are_counted_apart_and_their_begin_is_not_predicted(smoothing, records, order):
    text = [symbol for record in records for symbol in (BEGIN, *record, 0)]
    model = count_model(np.array(text), order=order, smoothing=smoothing, vocabulary_size=5, begin=BEGIN).model
    slow = slow_model(text, order, 5, smoothing, begin=BEGIN)
    first = [BEGIN, *records[0]]
    contexts = model.contexts_after(np.array(first)[:, None], model.first_contexts(1))[:, :, 0]
    for row, history in zip(model.distributions(contexts), histories(first, model.order, BEGIN), strict=True):
        shown = history[len(history) - min(len(history), model.order - 1) :]
        assert row == pytest.approx([slow(symbol, shown) for symbol in range(5)], rel=1e-5)


@pytest.mark.parametrize("smoothing", ["witten-bell", "kneser-ney"])
@given(text=TEXTS, order=st.integers(1, 6))
def test_probabilities_sum_to_one_and_none_is_zero(smoothing, text, order):
    model = count_model(np.array(text), order=order, smoothing=smoothing, vocabulary_size=6).model
    contexts = model.contexts_after(np.array([*text, 5, 1])[:, None], model.first_contexts(1))
    told = model.distributions(contexts)
    assert told.sum(axis=-1) == pytest.approx(1.0, abs=1e-6)
    assert (told > 0).all()


def test_discounts_by_hand():
    # 4 grams occur once, 2 twice, 1 three times, 1 four times: Y = 4 / (4 + 2 * 2).
    counts = np.array([1, 1, 1, 1, 2, 2, 3, 4])
    expected = (1 - 2 * 0.5 * 2 / 4, 2 - 3 * 0.5 * 1 / 2, 3 - 4 * 0.5 * 1 / 1)
    assert estimate_discounts(counts) == Discounts(expected, estimated=True)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([1, 1, 2, 9], 0.5),  # no threes and fours: Ney's discount, 2 / (2 + 2)
        ([7, 8, 9], 0.5),  # not even rare grams
        ([1, 1, 1, 1, 1, 1, 1, 1, 2, 3, 4, 4], 0.8),  # the third, 3 - 4 * 0.8 * 2, would be below zero
    ],
)
def test_counts_of_counts_that_give_no_three_discounts(counts, expected):
    assert estimate_discounts(np.array(counts)) == Discounts((expected,) * 3, estimated=False)
