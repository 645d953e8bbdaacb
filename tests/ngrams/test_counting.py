"""Counting against a dictionary of all grams: any order, alphabet and memory gives the same numbers."""

import errno
import os
from collections import Counter
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charlm.data.tokenfile import TokenFile
from charlm.errors import DataError
from charlm.ngrams import counting, packing
from charlm.ngrams.counting import beginnings, count_grams, left_contexts
from charlm.ngrams.sorting import count_distinct

BEGIN = 0


def stretches_of(text, begin):
    if begin is None:
        return [tuple(text)]
    borders = [place for place, symbol in enumerate(text) if symbol == begin and place] + [len(text)]
    return [tuple(text[start:stop]) for start, stop in zip([0, *borders], borders, strict=False)]


def counted_slowly(text, *, order, begin):
    """For each order its grams in rising order, their counts, left contexts and beginnings."""
    stretches = stretches_of(text, begin)
    for length in range(1, order + 1):
        counts, before = Counter(), {}
        for stretch in stretches:
            for place in range(len(stretch) - length + 1):
                gram = stretch[place : place + length]
                counts[gram] += 1
                before.setdefault(gram, []).append(stretch[place - 1] if place else None)
        if not counts:
            return
        grams = sorted(counts)
        yield (
            grams,
            [0 if gram == (begin,) else counts[gram] for gram in grams],
            [0 if gram == (begin,) else len(set(before[gram]) - {None}) + before[gram].count(None) for gram in grams],
            [0 if gram == (begin,) else before[gram].count(None) for gram in grams],
        )


def spelt(orders):
    """The grams of all orders, from their keys."""
    shorter, found = [()], []
    for grams in orders:
        shorter = [shorter[context] + (symbol,) for context, symbol in zip(grams.contexts, grams.symbols, strict=True)]
        found.append(shorter)
    return found


def require_right(text, *, order, begin, vocabulary_size, **settings):
    tokens = TokenFile(np.array(text, dtype=np.uint16))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counting, "_BYTES_PER_GRAM", 0)
        counted = count_grams(tokens, order=order, vocabulary_size=vocabulary_size, begin=begin, **settings)
    expected = list(counted_slowly(text, order=order, begin=begin))
    assert spelt(counted.orders) == [grams for grams, *_ in expected]
    for number, (grams, (_, counts, left, first)) in enumerate(zip(counted.orders, expected, strict=True), start=1):
        assert grams.counts.tolist() == counts
        if number < len(expected):
            assert left_contexts(counted, number).tolist() == left
            assert beginnings(counted, number).tolist() == first


TEXTS = st.lists(st.integers(0, 4), min_size=1, max_size=60)
MEMORY = st.sampled_from([48 * 3, 48 * 17, 4 << 30])


@given(TEXTS, st.integers(1, 7), MEMORY, st.booleans())
@settings(deadline=None, max_examples=150)
def test_grams_are_those_of_a_dictionary(text, order, memory, are_records):
    text, begin = ([BEGIN, *text], BEGIN) if are_records else (text, None)
    require_right(text, order=order, begin=begin, vocabulary_size=5, memory=memory)


@given(TEXTS, st.integers(1, 7), MEMORY, st.booleans(), st.integers(8, 16))
@settings(deadline=None, max_examples=150)
def test_grams_that_no_number_can_hold_are_counted_by_their_roots(text, order, memory, are_records, bits):
    text, begin = ([BEGIN, *text], BEGIN) if are_records else (text, None)
    with pytest.MonkeyPatch.context() as patch:
        # As with a large alphabet: two to five symbols fill a number.
        patch.setattr(packing, "_BITS", bits)
        require_right(text, order=order, begin=begin, vocabulary_size=5, memory=memory)


def test_a_large_alphabet_is_counted():
    text = np.random.default_rng(3).integers(0, 60000, 400)
    text = np.concatenate((text, text[:300])).tolist()
    require_right(text, order=8, begin=None, vocabulary_size=60001)


def test_runs_go_to_a_folder_that_is_removed(tmp_path):
    made = []

    @contextmanager
    def scratch():
        made.append(tmp_path / "runs")
        made[0].mkdir()
        yield made[0]
        assert sorted(path.name for path in made[0].iterdir())[:2] == ["0.counts", "0.numbers"]

    chunks = [np.array([5, 1, 5]), np.array([7, 1]), np.array([], dtype=np.int64), np.array([2])]
    numbers, counts = count_distinct(iter(chunks), scratch, buffer=1)
    assert numbers.tolist() == [1, 2, 5, 7]
    assert counts.tolist() == [2, 1, 2, 1]
    numbers, counts = count_distinct(iter([np.array([3, 3])]), scratch, buffer=1)
    assert (numbers.tolist(), counts.tolist(), len(made)) == ([3], [2], 1)


def test_more_grams_than_fit_into_the_memory_are_refused():
    text = TokenFile(np.arange(1000) % 251)
    # 251 of three symbols, and the last two and the last one of the text.
    with pytest.raises(DataError, match=r"253 different n-grams .* Lower the order, or allow more with --memory"):
        count_grams(text, order=3, vocabulary_size=251, memory=20_000)


def test_a_full_disk_is_told():
    @contextmanager
    def full():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        yield

    with pytest.raises(DataError, match=r"cannot be sorted on the disk: No space left on device. Free some space"):
        count_grams(TokenFile(np.arange(200) % 5), order=3, vocabulary_size=5, memory=48 * 50, scratch=full)
