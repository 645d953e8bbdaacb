import math

import numpy as np
import pytest

from charlm.ngrams.latest import NUM_STATES
from charlm.stepping.guesses import Guesses

EVEN = np.full(4, 0.25)


def test_a_guess_by_hand():
    guesses = Guesses(2)
    # Nothing is known of guesses: one right and one wrong are assumed, where the distribution says one of four.
    assert guesses.predict([(2, 0), None], EVEN)[0] == [2, 0]
    assert guesses.predict([(2, 0), None], EVEN)[1] == pytest.approx([math.log(3), 0.0], rel=1e-3)
    for symbol in (2, 2, 1):
        guesses.predict([(2, 0), None], EVEN)
        guesses.learn(symbol)
    # Right twice and wrong once, and the one each that is assumed.
    symbols, surer = guesses.predict([(3, 0), (3, 0)], EVEN)
    assert symbols == [3, 3]
    assert surer == pytest.approx([math.log(3 / 2) + math.log(3), math.log(3)], rel=1e-3)


def test_states_are_told_apart():
    guesses = Guesses(1)
    guesses.predict([(2, NUM_STATES - 1)], EVEN)
    guesses.learn(2)
    assert guesses.predict([(2, 0)], EVEN)[1] < guesses.predict([(2, NUM_STATES - 1)], EVEN)[1]


@pytest.mark.parametrize("probability", [0.0, 1e-300, 1.0])
def test_guesses_of_what_is_certain_are_finite(probability):
    distribution = np.array([probability, 1.0 - probability])
    (surer,) = Guesses(1).predict([(0, 0)], distribution)[1]
    assert abs(surer) < 25.0


def test_another_goes_on_from_the_same_record():
    guesses, other = Guesses(2), Guesses(2)
    for symbol in (1, 2, 1):
        guesses.predict([(1, 3), (2, 4)], EVEN)
        guesses.learn(symbol)
    other.record = guesses.record
    latest = [(1, 3), (2, 4)]
    assert other.predict(latest, EVEN) == guesses.predict(latest, EVEN)
    other.learn(1)
    assert not np.array_equal(other.record, guesses.record)
