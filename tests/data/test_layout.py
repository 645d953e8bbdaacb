from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charlm.data.layout import Layout, Stretches, part_sizes
from charlm.errors import DataError


@dataclass
class Cut:
    """A text that arrives in pieces, cut at some places."""

    text: str
    borders: list
    label: str = "notes"

    def chunks(self):
        cuts = [0, *sorted(border % (len(self.text) + 1) for border in self.borders), len(self.text)]
        return iter([self.text[start:stop] for start, stop in pairwise(cuts) if start < stop])

    def size_bytes(self):
        return None


def require_stretches(stretches, units, first, second):
    """Takes two stretches of a text of these units, the rest, and one more."""
    first, second = min(first, len(units)), min(second, max(0, len(units) - first))
    assert "".join(stretches.take(first)) == "".join(units[:first])
    assert "".join(stretches.take(second)) == "".join(units[first : first + second])
    assert "".join(stretches.take(len(units) - first - second)) == "".join(units[first + second :])
    with pytest.raises(DataError, match="'notes' changed while it was read"):
        list(stretches.take(1))


@pytest.mark.parametrize(
    ("total", "fractions", "sizes"),
    [
        (1000, (0.9, 0.05, 0.05), {"train": 900, "valid": 50, "test": 50}),
        (1001, (0.9, 0.1, 0.0), {"train": 901, "valid": 100}),
        (1001, (0.9, 0.0, 0.1), {"train": 901, "test": 100}),
        (7, (1.0, 0.0, 0.0), {"train": 7}),
        (10, (0.9, 0.05, 0.05), {"train": 9, "valid": 1, "test": 0}),
        (0, (0.9, 0.05, 0.05), {"train": 0, "valid": 0, "test": 0}),
    ],
)
def test_parts_end_at_the_rounded_cumulative_fractions(total, fractions, sizes):
    assert part_sizes(total, fractions) == sizes


@given(st.integers(0, 10**10), st.integers(1, 1000), st.integers(0, 1000), st.integers(0, 1000))
@settings(deadline=None)
def test_parts_take_up_the_whole_text_and_are_within_one_of_their_share(total, train, valid, test):
    whole = train + valid + test
    fractions = (train / whole, valid / whole, test / whole)
    sizes = part_sizes(total, fractions)
    assert sum(sizes.values()) == total
    for name, fraction in zip(("train", "valid", "test"), fractions, strict=True):
        assert (name in sizes) == (fraction > 0)
        assert abs(sizes.get(name, 0) - fraction * total) <= 1.01


@pytest.mark.parametrize("split", ["90/5/5", "90/10/0", "100/0/0", "82.5/7/10.5", "98/1/1"])
def test_a_split_is_shown_as_it_was_written(split):
    fractions = tuple(float(part) / 100 for part in split.split("/"))
    assert Layout("", False, fractions, 0, ()).split == split


@given(st.text("aß\n😀", max_size=60), st.lists(st.integers(0, 60), max_size=6), st.integers(0, 70), st.integers(0, 70))
@settings(deadline=None)
def test_stretches_of_characters_follow_one_another_however_the_text_arrives(text, borders, first, second):
    require_stretches(Stretches(Cut(text, borders), records=False), text, first, second)


@given(st.text("ab\n\r", max_size=60), st.lists(st.integers(0, 60), max_size=6), st.integers(0, 12), st.integers(0, 12))
@settings(deadline=None)
def test_stretches_of_records_are_whole_lines_that_are_not_empty(text, borders, first, second):
    lines = [line.rstrip("\r") + "\n" for line in text.split("\n") if line.rstrip("\r")]
    require_stretches(Stretches(Cut(text, borders), records=True), lines, first, second)
