import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charlm.generation.stopping import StopFilter


def reference(text: str, stops: list[str]) -> tuple[str, bool]:
    # Reads one character at a time, and looks back for a stop string that ends there.
    for end in range(len(text) + 1):
        completed = [stop for stop in stops if text[:end].endswith(stop)]
        if completed:
            return text[: end - len(max(completed, key=len))], True
    return text, False


def test_without_stop_strings_text_passes_at_once():
    stop = StopFilter(())
    assert stop.feed("any\n") == "any\n"
    assert stop.finish() == ""
    assert not stop.stopped


def test_what_may_begin_a_stop_string_is_held_back_until_decided():
    stop = StopFilter(["END"])
    assert [stop.feed(character) for character in "aEENxEND"] == ["a", "", "E", "", "ENx", "", "", ""]
    assert stop.stopped
    assert stop.finish() == ""
    assert stop.feed("more") == ""


def test_what_was_held_back_is_given_at_the_end():
    stop = StopFilter(["\n\n"])
    assert stop.feed("line\n") == "line"
    assert stop.finish() == "\n"
    assert stop.finish() == ""


def test_the_stop_string_completed_first_ends_the_text():
    # "b" is complete one character before "abc" is.
    stop = StopFilter(["abc", "b"])
    assert stop.feed("xabc") == "xa"


def test_of_two_completed_together_the_text_ends_before_the_longer():
    for stops in (["b", "ab"], ["ab", "b"]):
        stop = StopFilter(stops)
        assert stop.feed("xa") + stop.feed("b") == "x"


def test_a_stop_string_that_overlaps_itself_is_found():
    stop = StopFilter(["aab"])
    assert "".join(stop.feed(character) for character in "aaaab") == "aa"
    assert stop.stopped


@pytest.mark.parametrize("size", range(1, 8))
def test_no_character_of_a_stop_string_is_shown_however_the_text_is_cut(size):
    text = "to be or not to be"
    stop = StopFilter(["not"])
    assert "".join(stop.feed(text[start : start + size]) for start in range(0, len(text), size)) == "to be or "


@settings(max_examples=300, deadline=None)
@given(
    chunks=st.lists(st.text("ab", max_size=6), max_size=10),
    stops=st.lists(st.text("ab", min_size=1, max_size=5), max_size=4),
)
def test_text_passes_up_to_the_earliest_completed_stop_string_for_any_chunking(chunks, stops):
    stop = StopFilter(stops)
    shown = ""
    for chunk in chunks:
        shown += stop.feed(chunk)
    expected, stopped = reference("".join(chunks), stops)
    assert stop.stopped == stopped
    assert expected.startswith(shown)
    assert shown + stop.finish() == expected


@settings(max_examples=200, deadline=None)
@given(text=st.text("ab", max_size=20), stops=st.lists(st.text("ab", min_size=1, max_size=4), min_size=1, max_size=3))
def test_no_more_is_held_back_than_may_still_become_a_stop_string(text, stops):
    stop = StopFilter(stops)
    shown = stop.feed(text)
    held = text[len(shown) :]
    if not stop.stopped:
        assert held == "" or any(candidate.startswith(held) and candidate != held for candidate in stops)
