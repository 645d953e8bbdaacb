import pytest

from charlm.ngrams.matching import LongestMatch

LENGTH = 2


def read(match, text, *, before=""):
    """Reads a text symbol by symbol, with the last two as keys; returns what was predicted of each, and how long."""
    predicted = []
    so_far = before
    for symbol in text:
        predicted.append((None if match.symbol is None else chr(match.symbol), match.length))
        so_far += symbol
        key = hash(so_far[-LENGTH:]) if len(so_far) >= LENGTH else None
        match.learn(ord(symbol), key)
    return predicted


def test_what_followed_the_same_symbols_before_by_hand():
    nothing = (None, 0)
    assert read(LongestMatch(), "abcdabcxbcd") == [
        *[nothing] * 6,
        ("c", 2),  # "ab" stood before
        ("d", 3),
        nothing,  # not "d": "cx" is new
        nothing,
        ("x", 2),  # the last "bc", not the first
    ]


def test_a_match_goes_on_until_it_is_wrong_and_its_length_is_at_most_31():
    lengths = [length for _, length in read(LongestMatch(), "ab" * 40 + "b" + "ab")]
    assert lengths[:4] == [0] * 4
    assert lengths[4:81] == [min(length, 31) for length in range(2, 79)]
    assert lengths[81:] == [0, 2]


def test_a_match_reaches_as_far_back_as_the_symbols_are_alike():
    # The key is of two symbols, and four are alike.
    match = LongestMatch()
    read(match, "xabcdy")
    for symbol in "zabc":
        match.learn(ord(symbol), None)
    assert match.symbol is None
    match.learn(ord("d"), hash("cd"))
    assert (match.symbol, match.length) == (ord("y"), 4)


def test_confidence_is_the_share_of_matches_of_a_length_that_were_right():
    match = LongestMatch()
    read(match, "ababab")
    # Right after two symbols, and after three; a first guess counts for 1 of 1.25.
    assert match.length == 4
    assert match.confidence == pytest.approx(1.0 / 1.25)
    match.restart()
    assert (match.symbol, match.length) == (None, 0)
    read(match, "abcab")
    assert match.length == 2
    assert match.confidence == pytest.approx(2.0 / 2.25)
    match.learn(ord("x"), None)
    assert (match.record[0][2], match.record[1][2]) == (2.0, 3.25)


def test_confidence_is_bounded():
    match = LongestMatch()
    match.record[0][0], match.record[1][0] = 1.0, 1e6
    assert match.confidence == 0.05
    match.record[0][0] = 1e6
    assert match.confidence == 0.999


def test_a_text_that_is_followed_is_not_kept_and_not_measured():
    match = LongestMatch()
    read(match, "abcdab")
    record = [list(each) for each in match.record]
    assert chr(match.symbol) == "c"
    so_far = "ab"
    for symbol, expected in [("c", "d"), ("d", "a"), ("x", None), ("b", None), ("c", "d"), ("d", "a")]:
        so_far += symbol
        match.follow(ord(symbol), hash(so_far[-LENGTH:]))
        assert (None if match.symbol is None else chr(match.symbol)) == expected
    assert match.record == record
    # What was followed is not found again: "xb" stood there, and "c" after it.
    match.follow(ord("x"), hash("dx"))
    match.follow(ord("b"), hash("xb"))
    assert match.symbol is None


def test_a_text_is_followed_to_its_end():
    match = LongestMatch()
    read(match, "abab")
    assert (chr(match.symbol), match.length) == ("a", 2)
    for symbol, key, expected in (("a", "ba", "b"), ("b", "ab", None), ("a", "ba", "b"), ("b", "ab", None)):
        match.follow(ord(symbol), hash(key))
        assert (None if match.symbol is None else chr(match.symbol)) == expected
