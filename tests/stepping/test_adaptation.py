import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.config import ModelConfig
from charlm.ngrams.lines import Lines
from charlm.ngrams.matching import LongestMatch
from charlm.stepping.adaptation import Adaptation, AdaptationSettings, Evidence
from charlm.stepping.guesses import Guesses
from charlm.stepping.log_linear import RecentFrequencies
from tests.support.peaks import peak_bytes
from tests.support.slow_counts import SlowCounts

SIZE = 5
GROUP = 32
UNIFORM = 1e-6
BIAS_RATE = AdaptationSettings().bias_rate


def softmax(logits):
    """Probabilities, with the share of a uniform distribution."""
    return (1.0 - UNIFORM) * np.exp(logits) / np.exp(logits).sum() + UNIFORM / SIZE


def parts_of(rng, num_parts, *, spread=2.0):
    """The log-probabilities of some models, anything between even and all but certain."""
    logits = rng.normal(size=(num_parts, SIZE)) * rng.uniform(0.0, spread, size=(num_parts, 1))
    return logits - np.log(np.exp(logits - logits.max()).sum(-1, keepdims=True)) - logits.max()


def drawn(seed, length, num_parts, **settings):
    """What models predict of a text, their evidence, and the symbols of the text, which repeats itself."""
    rng = np.random.default_rng(seed)
    symbols = np.resize(rng.integers(0, SIZE, max(1, length // 3)), length)
    symbols[rng.random(length) < 0.1] = rng.integers(0, SIZE)
    parts = [parts_of(rng, num_parts, **settings) for _ in range(length)]
    return list(zip(parts, rng.integers(0, Evidence.NUM, length).tolist(), symbols.tolist(), strict=True))


def predictions(adaptation, text, *, restarts=()):
    """Copies of all predictions of a text, whose symbols are learnt one after the other."""
    found = []
    for place, (parts, evidence, symbol) in enumerate(text):
        if place == 0 or place in restarts:
            adaptation.begin(0)
        found.append(adaptation.predict(parts, evidence).copy())
        adaptation.learn(symbol)
    return found


@given(
    seed=st.integers(0, 1 << 30),
    length=st.integers(1, 150),
    num_parts=st.integers(1, 2),
    restarts=st.sets(st.integers(1, 150), max_size=4),
    weight_rate=st.sampled_from([0.0, 0.001, 0.05]),
    bias_rate=st.sampled_from([0.0, 0.03, 1.0]),
    order=st.integers(1, 8),
    most_contexts=st.sampled_from([5, 40, 1 << 20]),
    symbol_rate=st.sampled_from([0.0, 0.1, 1.0]),
    spread=st.sampled_from([2.0, 40.0]),
)
def test_all_distributions_sum_to_one_and_no_symbol_is_impossible(
    seed, length, num_parts, restarts, weight_rate, bias_rate, order, most_contexts, symbol_rate, spread
):
    settings = AdaptationSettings(weight_rate, bias_rate, order, most_contexts, symbol_rate)
    adaptation = Adaptation(num_parts, SIZE, settings)
    for each in predictions(adaptation, drawn(seed, length, num_parts, spread=spread), restarts=restarts):
        assert each.sum() == pytest.approx(1.0, abs=1e-12)
        assert each.min() >= UNIFORM / SIZE


@given(st.integers(0, 1 << 30), st.integers(0, 99), st.integers(1, SIZE - 1))
def test_a_prediction_depends_on_no_symbol_from_its_place_on(seed, place, change):
    text = drawn(seed, 100, 2)
    parts, evidence, symbol = text[place]
    changed = [*text[:place], (parts, evidence, (symbol + change) % SIZE), *text[place + 1 :]]
    settings = AdaptationSettings(most_contexts=60)
    whole, other = (predictions(Adaptation(2, SIZE, settings), each) for each in (text, changed))
    for one, another in zip(whole[: place + 1], other[: place + 1], strict=True):
        assert np.array_equal(one, another)
    if place < 50:
        assert not np.array_equal(whole[-1], other[-1])


def test_another_adaptation_to_the_same_text_predicts_the_same():
    text = drawn(3, 200, 2)
    first, second = (predictions(Adaptation(2, SIZE, AdaptationSettings()), text, restarts={80}) for _ in range(2))
    assert all(np.array_equal(one, other) for one, other in zip(first, second, strict=True))


@pytest.mark.parametrize("num_parts", [1, 2])
def test_before_anything_is_learnt_the_prediction_is_that_of_the_parts(num_parts):
    adaptation = Adaptation(num_parts, SIZE, AdaptationSettings())
    adaptation.begin(0)
    parts = parts_of(np.random.default_rng(1), num_parts)
    weights = [1.0] if num_parts == 1 else [0.75, 0.25]
    expected = np.exp(np.array(weights) @ parts)
    found = adaptation.predict(parts, 3)
    assert found == pytest.approx((1.0 - UNIFORM) * expected / expected.sum() + UNIFORM / SIZE)


def test_biases_by_hand():
    # Each is of a pair of neighbours, and steps up where the pair was met, by the rate x (1 - its probability).
    adaptation = Adaptation(1, SIZE, AdaptationSettings())
    even = np.full((1, SIZE), -math.log(SIZE))
    adaptation.begin(4)
    for symbol in (1, 4):
        assert adaptation.predict(even, 0) == pytest.approx(np.full(SIZE, 1 / SIZE))
        adaptation.learn(symbol)
    # After 4 again, after which 1 came: the weight of the growing counts is still 0.
    biases = np.full(SIZE, -BIAS_RATE / SIZE)
    biases[1] += BIAS_RATE
    expected = np.exp(biases) / np.exp(biases).sum()
    assert adaptation.predict(even, 0) == pytest.approx((1.0 - UNIFORM) * expected + UNIFORM / SIZE, rel=1e-9)


def test_biases_of_symbols_by_hand():
    # Of 32 symbols, 24 were the first and 8 the second, where 32 / 5 of each were expected.
    adaptation = Adaptation(1, SIZE, AdaptationSettings(weight_rate=0.0, bias_rate=0.0, symbol_rate=0.2))
    even = np.full((1, SIZE), -math.log(SIZE))
    predictions(adaptation, [(even, 0, int(place >= 24)) for place in range(GROUP)])
    biases = 0.2 * (np.array([24, 8, 0, 0, 0]) - 6.4) / (1 + 6.4 / 50)
    expected = np.exp(biases) / np.exp(biases).sum()
    assert adaptation.predict(even, 0) == pytest.approx((1.0 - UNIFORM) * expected + UNIFORM / SIZE, rel=1e-5)


@pytest.mark.parametrize("num_parts", [1, 2])
def test_what_is_mixed_is_what_the_definition_says(num_parts):
    # With weights of any size that do not learn; all that is mixed is computed here again.
    settings, line_end = AdaptationSettings(weight_rate=0.0, bias_rate=0.0, order=3, symbol_rate=0.0), 2
    adaptation = Adaptation(num_parts, SIZE, settings, line_end=line_end)
    learned, rng = adaptation.learned(), np.random.default_rng(7)
    learned["static"][0] += rng.normal(size=learned["static"][0].shape) / 4
    learned["mixed"][0] += rng.normal(size=learned["mixed"][0].shape) / 4
    adaptation.start_from(learned)
    text = drawn(5, 3 * GROUP, num_parts)
    counts, match, lines, guesses = (
        SlowCounts(order=3, most_contexts=1 << 20),
        LongestMatch(),
        Lines(line_end),
        Guesses(5),
    )
    frequencies, group = RecentFrequencies(SIZE), [np.zeros(SIZE), np.zeros(SIZE)]
    counts.restart(0)
    match.learn(0, None)
    so_far = [0]
    for place, ((parts, evidence, symbol), found) in enumerate(zip(text, predictions(adaptation, text), strict=True)):
        static = softmax(learned["static"][0, evidence] @ parts)
        guess = np.zeros(SIZE)
        if match.symbol is not None:
            guess += math.log((1.0 - match.confidence) / SIZE)
            guess[match.symbol] = math.log(match.confidence)
        known = [context for context in counts.contexts() if context in counts.followers]
        seen = sum(counts.followers[known[-1]].values()) if known else 0
        sets = np.cumsum([0, Evidence.NUM, 4 * (settings.order + 1), 5, Lines.NUM_PLACES])
        sets += evidence, 4 * len(known) + (seen > 1) + (seen > 3) + (seen > 15), 0, lines.place, so_far[-1]
        sets[2] += 0 if match.symbol is None else 1 + min(match.length // 8, 3)
        weights = learned["mixed"][0, sets].sum(axis=0)
        refined = np.log(counts.refined(static))
        mixed = weights[: num_parts + 3] @ np.array([*parts, refined, guess, frequencies.logarithms])
        latest = [counts.latest(context) for context in counts.contexts()[1:]]
        latest = [*latest, *[None] * (4 - len(latest)), lines.latest]
        for weight, guessed, logit in zip(weights[num_parts + 3 :], *guesses.predict(latest, static), strict=True):
            mixed[guessed] += weight * logit
        assert found == pytest.approx(softmax(mixed), rel=1e-6)
        guesses.learn(symbol)
        lines.learn(symbol)
        counts.learn(symbol)
        so_far.append(symbol)
        match.learn(symbol, hash(tuple(so_far[-2:])) if len(so_far) > 1 else None)
        group[0][symbol] += 1.0
        group[1] += static
        if place % GROUP == GROUP - 1:
            frequencies.add(*group)
            group = [np.zeros(SIZE), np.zeros(SIZE)]


def test_what_was_learnt_from_one_text_is_the_start_of_another():
    settings = AdaptationSettings()
    taught = Adaptation(2, SIZE, settings)
    predictions(taught, drawn(1, 300, 2))
    learned = taught.learned()
    going_on = Adaptation(2, SIZE, settings)
    going_on.start_from(learned)
    assert all(np.array_equal(array, going_on.learned()[name]) for name, array in learned.items())
    text = drawn(2, 50, 2)
    first = predictions(going_on, text)
    assert not np.array_equal(first[0], predictions(Adaptation(2, SIZE, settings), text)[0])
    again = Adaptation(2, SIZE, settings)
    again.start_from(learned)
    assert all(np.array_equal(one, other) for one, other in zip(first, predictions(again, text), strict=True))


def test_what_was_learnt_does_not_change_while_another_goes_on_from_it():
    taught = Adaptation(1, SIZE, AdaptationSettings())
    predictions(taught, drawn(1, 100, 1))
    learned = taught.learned()
    before = {name: array.copy() for name, array in learned.items()}
    other = Adaptation(1, SIZE, AdaptationSettings())
    other.start_from(learned)
    predictions(other, drawn(2, 100, 1))
    predictions(taught, drawn(2, 100, 1))
    assert all(np.array_equal(array, before[name]) for name, array in learned.items())


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("static", lambda array: array[1:]),
        ("mixed", lambda array: array[:, 1:]),
        ("mixed", lambda array: array * np.nan),
        ("static", lambda array: array + 1e300),
        ("static", lambda array: array * -1.0),
        ("guesses", lambda array: array[:, 1:]),
        ("guesses", lambda array: array * 0.0),
        ("matches", lambda array: array[:, 1:]),
        ("matches", lambda array: array * 0.0),
        ("matches", lambda array: -array),
        ("matches", lambda array: array.astype(str)),
        ("biases", lambda array: array[1:]),
        ("biases", lambda array: array[:, 1:]),
        ("biases", lambda array: array - 1e300),
        ("biases", lambda array: array * np.inf),
        ("symbols", lambda array: array[1:]),
        ("symbols", lambda array: array * np.nan),
        ("bias_rows", lambda array: array[:, None]),
        ("bias_rows", lambda array: array[0]),
        ("bias_rows", lambda array: array + 1e9),
    ],
)
def test_what_was_not_learnt_by_an_adaptation_like_this_is_refused(name, change):
    taught = Adaptation(1, SIZE, AdaptationSettings())
    predictions(taught, drawn(1, 100, 1))
    learned = taught.learned()
    with pytest.raises(ValueError, match=name):
        Adaptation(1, SIZE, AdaptationSettings()).start_from(learned | {name: change(learned[name])})


def test_where_little_may_be_counted_everything_is_forgotten_together():
    # What followed the longest match goes with the contexts, which is all that grows with the text.
    settings = AdaptationSettings(order=8, most_contexts=50)
    adaptation = Adaptation(1, SIZE, settings)
    rng = np.random.default_rng(1)
    text = [(parts_of(rng, 1), 0, symbol) for symbol in rng.integers(0, SIZE, 2000).tolist()]
    with peak_bytes() as few:
        predictions_of = predictions(adaptation, text)
    assert all(each.sum() == pytest.approx(1.0) for each in predictions_of)
    del predictions_of
    generous = Adaptation(1, SIZE, AdaptationSettings(order=8))
    with peak_bytes() as many:
        predictions(generous, text)
    assert few[0] < many[0] / 3


def test_evidence_by_hand():
    totals = np.array([[0, 0, 0], [9, 0, 0], [9, 1, 0], [9, 2, 0], [9, 4, 0], [9, 5, 1], [90, 50, 5]])
    assert Evidence.of(totals).tolist() == [0, 3, 4, 5, 5, 7, 9]
    assert Evidence.of(totals[:6].reshape(2, 3, 3)).tolist() == [[0, 3, 4], [5, 5, 7]]


def test_the_longest_contexts_have_a_number_of_evidence_too():
    longest = ModelConfig.model_fields["order"].metadata
    (order,) = (each.le for each in longest if hasattr(each, "le"))
    assert Evidence.of(np.full(order, 1000)) < Evidence.NUM
