import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.data.lanes import IGNORED
from charlm.data.tokenfile import TokenFile
from charlm.data.tokenizers.char import CharTokenizer
from charlm.data.tokenizers.records import RecordTokenizer
from charlm.evaluation.windows import record_windows, sampled_windows
from tests.support.encoded import encoded

BEGIN, END = 0, 1


def records_of(window):
    """The records of a window, each as its symbols without those that fill it up."""
    for lane in range(window.inputs.shape[1]):
        inputs, targets = window.inputs[:, lane].tolist(), window.targets[:, lane].tolist()
        length = sum(target != IGNORED for target in targets)
        assert targets[length:] == [IGNORED] * (len(targets) - length)
        assert inputs[1:length] == targets[: length - 1]
        yield int(window.starts[lane]), inputs[:1] + targets[:length]


@given(st.lists(st.lists(st.integers(2, 4), max_size=9), min_size=1, max_size=30), st.integers(1, 40))
def test_records_come_whole_once_and_in_their_order(contents, most_symbols):
    records = [[BEGIN, *content, END] for content in contents]
    tokens = TokenFile(np.array(list(itertools.chain(*records)), dtype=np.uint8))
    windows = list(record_windows(tokens, begin=BEGIN, most_symbols=most_symbols))
    found = [record for window in windows for record in records_of(window)]
    starts = [0, *itertools.accumulate(map(len, records))][:-1]
    assert found == list(zip(starts, records, strict=True))
    for window, following in itertools.zip_longest(windows, windows[1:]):
        assert window.fresh
        assert window.num_targets == sum(len(record) - 1 for _, record in records_of(window))
        assert window.inputs.numel() <= most_symbols or window.inputs.shape[1] == 1
        if following is not None:  # Its first record had no room.
            _, record = next(records_of(following))
            longest = max(len(window.inputs), len(record) - 1)
            assert longest * (window.inputs.shape[1] + 1) > most_symbols


@pytest.mark.parametrize(("length", "num_symbols"), [(2, 10), (3, 1), (700, 100), (5000, 400), (40_000, 3000)])
def test_windows_of_a_text_are_sampled_from_all_of_it(length, num_symbols):
    tokenizer = CharTokenizer("ab")
    text = encoded("ab" * (length // 2) + "a" * (length % 2), tokenizer)
    windows = list(sampled_windows(text, tokenizer, num_symbols=num_symbols))
    places = [place for window in windows for place in window.places()[window.targets != IGNORED].tolist()]
    assert len(places) == len(set(places)) == sum(window.num_targets for window in windows)
    assert min(num_symbols, length - 1) <= len(places) <= num_symbols + 32
    num_lanes = max(1, min(32, length // 512))
    assert {place * num_lanes // length for place in places} == set(range(num_lanes))


def test_records_are_sampled_whole():
    tokenizer = RecordTokenizer(CharTokenizer("abno"))
    text = encoded("anna\nbob\n\nnan\n", tokenizer)
    windows = sampled_windows(text, tokenizer, num_symbols=1)
    assert sum(window.num_targets for window in windows) == text.num_symbols - text.num_records
