"""Numbers counted in runs on disk."""

import contextlib
import weakref

import numpy as np
import pytest

from charlm.ngrams.sorting import count_distinct


@pytest.fixture
def scratch(tmp_path):
    return lambda: contextlib.nullcontext(tmp_path)


@pytest.mark.parametrize("num_chunks", [1, 2, 7])
def test_chunks_are_counted_as_if_they_were_one(scratch, num_chunks):
    numbers = np.random.default_rng(1).integers(0, 50, size=400)
    found = count_distinct(np.array_split(numbers.copy(), num_chunks), scratch, buffer=8)
    for column, expected in zip(found, np.unique(numbers, return_counts=True), strict=True):
        assert np.array_equal(column, expected)


def test_few_chunks_are_in_memory_at_once(scratch):
    alive, most = weakref.WeakSet(), 0

    class Chunk(np.ndarray):
        """Numbers that can be put into a set, as arrays cannot."""

        __hash__ = object.__hash__
        __eq__ = object.__eq__

    def chunks():
        nonlocal most
        for number in range(8):
            chunk = np.arange(number, number + 10).view(Chunk)
            alive.add(chunk)
            most = max(most, len(alive))
            yield chunk
            del chunk

    count_distinct(map(np.asarray, chunks()), scratch, buffer=4)
    assert most <= 3
