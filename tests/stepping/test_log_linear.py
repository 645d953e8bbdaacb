import numpy as np
import pytest

from charlm.stepping.log_linear import FIRST_SQUARE, LogLinearWeights, RecentFrequencies

SIZE, GROUP, NUM_SETS, NUM_GUESSES = 5, 32, 6, 2
UNIFORM = 1e-6


def weights_of(first=(0.75, 0.25), *, rate=0.1, symbol_rate=0.0, num_guesses=NUM_GUESSES):
    return LogLinearWeights(
        first,
        num_sets=NUM_SETS,
        vocabulary_size=SIZE,
        num_first=3,
        num_guesses=num_guesses,
        rate=rate,
        symbol_rate=symbol_rate,
    )


def drawn(seed=1):
    """Logarithms of distributions, the sets, the guesses and the symbols of a group."""
    rng = np.random.default_rng(seed)
    inputs = np.log(rng.dirichlet(np.ones(SIZE), size=(GROUP, 2)))
    sets = [[each % 2, 3 + each % 3] for each in range(GROUP)]
    guessed = rng.integers(0, SIZE, (GROUP, NUM_GUESSES)).tolist()
    logits = rng.normal(size=(GROUP, NUM_GUESSES)).tolist()
    return list(zip(inputs, sets, guessed, logits, rng.integers(0, SIZE, GROUP).tolist(), strict=True))


def mixed(weights, inputs, guessed, logits):
    """The distribution by its definition."""
    total = weights[:2] @ inputs
    for weight, symbol, logit in zip(weights[2:], guessed, logits, strict=True):
        total[symbol] += weight * logit
    return np.exp(total) / np.exp(total).sum()


def read(weights, text):
    found = []
    for inputs, sets, guessed, logits, symbol in text:
        weights.inputs[:] = inputs
        found.append(weights.predict(sets, 0.0, (guessed, logits)).copy())
        weights.learn(symbol)
    return found


def test_the_mixture_is_that_of_its_sets_and_sums_to_one():
    weights, rng, text = weights_of(), np.random.default_rng(2), drawn()
    weights.rows += rng.normal(size=weights.rows.shape)
    rows = weights.rows.copy()
    for found, (inputs, sets, guessed, logits, _) in zip(read(weights, text), text, strict=True):
        expected = mixed(rows[sets].sum(axis=0), inputs, guessed, logits)
        assert found == pytest.approx((1.0 - UNIFORM) * expected + UNIFORM / SIZE)
        assert found.sum() == pytest.approx(1.0, abs=1e-12)


def test_before_anything_is_learnt_weights_are_the_first_ones():
    rows = weights_of().rows
    assert rows[:3].tolist() == [[0.75, 0.25, 0.0, 0.0]] * 3
    assert not rows[3:].any()


def test_a_step_goes_up_the_slopes_by_their_size():
    # The slopes of each symbol's log-probability by finite differences, summed as AdaGrad's formula says.
    rate, gap, text = 0.1, 1e-6, drawn(3)
    weights = weights_of(rate=rate)
    before = weights.rows.copy()
    read(weights, text)
    squares, slopes = np.full(before.shape, FIRST_SQUARE), np.zeros(before.shape)
    for inputs, sets, guessed, logits, symbol in text:
        summed = before[sets].sum(axis=0)

        def log_probability(at, inputs=inputs, guessed=guessed, logits=logits, symbol=symbol):
            return np.log(mixed(at, inputs, guessed, logits)[symbol])

        slope = np.array(
            [
                (log_probability(summed + gap * each) - log_probability(summed - gap * each)) / (2 * gap)
                for each in np.eye(4)
            ]
        )
        for each in sets:
            squares[each] += slope**2
            slopes[each] += slope
    assert weights.squares == pytest.approx(squares, rel=1e-3)
    assert weights.rows == pytest.approx(before + rate * slopes / np.sqrt(squares), abs=1e-4)


def test_nothing_is_learnt_before_a_group_is_full_and_then_what_came_and_was_expected_is_told():
    weights, told = weights_of(num_guesses=0), []
    before = weights.rows.copy()
    for place in range(GROUP):
        assert np.array_equal(weights.rows, before)
        weights.inputs[:] = np.log(1 / SIZE)
        weights.predict([0])
        told.append(weights.learn(place % 2))
    assert told[:-1] == [None] * (GROUP - 1)
    came, expected = told[-1]
    assert came.tolist() == [GROUP / 2, GROUP / 2, 0, 0, 0]
    assert expected == pytest.approx(np.full(SIZE, GROUP / SIZE))


def test_recent_frequencies_by_hand():
    frequencies = RecentFrequencies(2)
    came, expected = np.array([3.0, 1.0]), np.array([2.0, 2.0])
    frequencies.add(came, expected)
    assert frequencies.logarithms == pytest.approx(np.log([3.1 / 2.1, 1.1 / 2.1]))
    frequencies.add(expected, came)
    kept = np.exp(-GROUP / 500)
    first = (3 * kept + 2 + 0.1) / (2 * kept + 3 + 0.1)
    assert frequencies.logarithms[0] == pytest.approx(np.log(first))


def test_old_frequencies_are_forgotten():
    frequencies = RecentFrequencies(2)
    frequencies.add(np.array([30.0, 2.0]), np.array([2.0, 30.0]))
    for _ in range(200):
        frequencies.add(np.array([16.0, 16.0]), np.array([16.0, 16.0]))
    assert np.abs(frequencies.logarithms).max() < 1e-3
