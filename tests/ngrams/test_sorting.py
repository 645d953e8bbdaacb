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
    made, most = [], 0

    def chunks():
        nonlocal most
        for number in range(8):
            chunk = np.arange(number, number + 10)
            made.append(weakref.ref(chunk))
            most = max(most, sum(each() is not None for each in made))
            yield chunk
            del chunk

    count_distinct(chunks(), scratch, buffer=4)
    assert most <= 3
