import pytest

from charlm.runs.evaluate.exposure import even_places


@pytest.mark.parametrize("last", [2**24 + 3, 2**28 + 17, 2**30 + 127])
def test_no_place_is_behind_the_last_one_of_a_long_text(last):
    places = even_places(last, num_places=5).tolist()
    # float32 keeps 24 bits, of the distance and of the place.
    assert all(abs(place - number * last / 4) <= last / 2**22 + 1 for number, place in enumerate(places))
    assert places == sorted(places) and places[-1] <= last


def test_places_of_a_short_text_are_even():
    assert even_places(12, num_places=5).tolist() == [0, 3, 6, 9, 12]
