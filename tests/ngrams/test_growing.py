import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.ngrams.growing import GrowingCounts
from tests.support.peaks import peak_bytes
from tests.support.slow_counts import SlowCounts

FEW, MANY = 3, 12
"""Symbols of vocabularies: after a context, all of the many are kept as a row, and the few are not."""


def refined(counts, probabilities):
    distribution = np.array(probabilities)
    counts.refine(distribution)
    return distribution


def texts(vocabulary_size):
    """Lists of symbols, each with what is done with it."""
    what = st.sampled_from(["learn"] * 6 + ["read", "restart"])
    return st.lists(st.tuples(what, st.integers(0, vocabulary_size - 1)), max_size=120)


@pytest.mark.parametrize("vocabulary_size", [1, FEW, MANY])
@given(st.data())
def test_distributions_are_those_of_counts_in_dictionaries(vocabulary_size, data):
    text = data.draw(texts(vocabulary_size))
    order = data.draw(st.integers(1, 5))
    most_contexts = data.draw(st.sampled_from([1, 4, 15, 1 << 20]))
    counts = GrowingCounts(vocabulary_size, order=order, most_contexts=most_contexts)
    slow = SlowCounts(order=order, most_contexts=most_contexts)
    given_distribution = np.arange(1.0, vocabulary_size + 1) / sum(range(vocabulary_size + 1))
    for what, symbol in text:
        getattr(counts, what)(symbol)
        getattr(slow, what)(symbol)
        assert len(slow.followers) <= most_contexts
        known = [context for context in slow.contexts() if context in slow.followers]
        assert counts.known == len(known)
        assert counts.latest(order) == [slow.latest(context) for context in slow.contexts()[1:]] + [None] * (
            order + 1 - len(slow.contexts())
        )
        assert counts.total == (sum(slow.followers[known[-1]].values()) if known else 0)
        distribution = refined(counts, given_distribution)
        assert distribution.sum() == pytest.approx(1.0, abs=1e-12)
        assert distribution == pytest.approx(np.array(slow.refined(given_distribution)), rel=1e-9)


def test_where_nothing_was_counted_the_given_distribution_stays():
    counts = GrowingCounts(FEW, order=4)
    assert refined(counts, [0.5, 0.3, 0.2]).tolist() == [0.5, 0.3, 0.2]
    counts.restart(1)
    assert refined(counts, [0.5, 0.3, 0.2]).tolist() == [0.5, 0.3, 0.2]
    assert counts.known == counts.total == 0


def test_one_order_by_hand():
    counts = GrowingCounts(FEW, order=1)
    for symbol in (0, 1, 0):
        counts.learn(symbol)
    # 0 twice, less 1.0; 1 once, less 0.7: of three, 1.7 goes to the distribution below.
    assert refined(counts, [0.2, 0.2, 0.6]) == pytest.approx(np.array([1.0 + 0.34, 0.3 + 0.34, 1.02]) / 3)
    counts.learn(0)
    assert refined(counts, [0.2, 0.2, 0.6]) == pytest.approx(np.array([1.7 + 0.4, 0.3 + 0.4, 1.2]) / 4)
    assert (counts.known, counts.total) == (1, 4)


def test_a_context_does_not_reach_back_over_the_begin_of_a_text():
    counts = GrowingCounts(FEW, order=3)
    counts.restart(2)
    for symbol in (0, 1):
        counts.learn(symbol)
    counts.restart(2)
    # After 2 came 0, once; before it, only the empty context is known: 0 once and 1 once.
    assert (counts.known, counts.total) == (2, 1)
    below = np.array([0.3, 0.3, 0.0]) / 2 + 0.7 / FEW
    assert refined(counts, np.full(FEW, 1 / FEW)) == pytest.approx(0.7 * below + 0.3 * np.array([1.0, 0.0, 0.0]))


def test_the_number_of_the_longest_context_stands_for_no_other():
    order, length = 4, 3
    numbers = {}
    text = np.random.default_rng(1).integers(0, FEW, 400).tolist()
    counts = GrowingCounts(FEW, order=order)
    for end, symbol in enumerate(text):
        assert (counts.longest_key is None) == (end < length)
        if end >= length:
            context = tuple(text[end - length : end])
            assert numbers.setdefault(counts.longest_key, context) == context
        counts.learn(symbol)
    assert len(numbers) == FEW**length


def test_a_generation_ends_where_contexts_are_forgotten():
    counts = GrowingCounts(FEW, order=2, most_contexts=2)
    generations = []
    for symbol in (0, 0, 1, 0, 2):
        counts.learn(symbol)
        generations.append(counts.generation)
    # The empty context and that of 0 have room; the context 1 has none, and all of one symbol are forgotten.
    assert generations == [0, 0, 0, 1, 1]
    assert counts.known == 1


def test_in_a_large_vocabulary_contexts_take_as_much_memory_as_followed_them():
    vocabulary_size = 4000
    counts = GrowingCounts(vocabulary_size, order=3)
    rng = np.random.default_rng(1)
    with peak_bytes() as peak:
        for symbol in rng.integers(0, 20, 8000).tolist():
            counts.learn(symbol)
    # 420 contexts with some 20 symbols after each; rows of all symbols would take 13 MB.
    assert peak[0] < 3e6
