from functools import reduce

from charlm.ngrams.latest import CHANGED, MOST_REPEATED, NUM_STATES, latest_after


def after(symbols):
    return reduce(latest_after, symbols, None)


def test_what_followed_last_by_hand():
    assert after([4]) == (4, 0)
    assert after([4, 4, 4]) == (4, 2)
    assert after([4, 4, 3]) == (3, CHANGED)
    assert after([4, 3, 3]) == (3, CHANGED + 1)
    assert after([4, 3, 4]) == (4, CHANGED)


def test_repetitions_are_counted_up_to_a_number():
    assert after([4] * 100) == (4, MOST_REPEATED)
    assert after([3] + [4] * 100) == (4, CHANGED + MOST_REPEATED)
    assert CHANGED + MOST_REPEATED < NUM_STATES
