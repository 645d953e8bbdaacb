import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from charlm.data.lanes import IGNORED
from charlm.data.record_batches import RecordBatches
from charlm.data.tokenfile import TokenFile

BEGIN, END = 1, 2


def batches_of(records, *, batch_size, sequence_length, seed=1):
    symbols = [symbol for record in records for symbol in (BEGIN, *record, END)]
    tokens = TokenFile(np.array(symbols, dtype=np.uint16))
    return RecordBatches(
        tokens, begin=BEGIN, end=END, batch_size=batch_size, sequence_length=sequence_length, seed=seed
    )


def numbered(lengths):
    """Records whose symbols are all different."""
    numbers = iter(range(3, 60000))
    return [[next(numbers) for _ in range(length)] for length in lengths]


def epoch_batches(batches, epoch):
    """The windows of an epoch, joined into whole batches: (inputs, targets) of each."""
    first = epoch * batches.windows_per_epoch
    joined = []
    for index in range(first, first + batches.windows_per_epoch):
        window = batches.window(index)
        if window.fresh:
            joined.append(([], []))
        joined[-1][0].append(window.inputs)
        joined[-1][1].append(window.targets)
    return [(torch.cat(inputs), torch.cat(targets)) for inputs, targets in joined]


def columns(batches, epoch):
    """What each lane of each batch reads in an epoch: its inputs and targets, up to the end of its record."""
    for inputs, targets in epoch_batches(batches, epoch):
        for lane in range(inputs.shape[1]):
            present = targets[:, lane] != IGNORED
            yield inputs[present, lane].tolist(), targets[present, lane].tolist()


lengths = st.lists(st.integers(0, 12), min_size=1, max_size=40)


def test_three_records_in_two_lanes_by_hand():
    batches = batches_of([[7], [8, 9, 10], []], batch_size=2, sequence_length=3)
    # Sorted by length: [] and [7] share a window; [8 9 10] needs two windows of two, beside an empty lane.
    assert (batches.num_lanes, batches.windows_per_epoch, batches.targets_per_epoch) == (2, 3, 7)
    whole = {inputs.shape[0]: (inputs, targets) for inputs, targets in epoch_batches(batches, 0)}
    assert whole[2][0].tolist() == [[1, 1], [0, 7]]
    assert whole[2][1].tolist() == [[2, 7], [IGNORED, 2]]
    assert whole[4][0].tolist() == [[1, 0], [8, 0], [9, 0], [10, 0]]
    assert whole[4][1].tolist() == [[8, IGNORED], [9, IGNORED], [10, IGNORED], [2, IGNORED]]


@given(lengths, st.integers(1, 6), st.integers(1, 8), st.integers(0, 3))
@settings(deadline=None, max_examples=200)
def test_every_record_is_read_exactly_once_an_epoch_from_its_begin_to_its_end(lengths, size, length, epoch):
    records = numbered(lengths)
    batches = batches_of(records, batch_size=size, sequence_length=length)
    read = [column for column in columns(batches, epoch) if column[1]]
    expected = [([BEGIN, *record], [*record, END]) for record in records]
    assert sorted(read) == sorted(expected)
    assert batches.targets_per_epoch == sum(len(record) + 1 for record in records)


@given(lengths, st.integers(1, 6), st.integers(1, 8))
@settings(deadline=None, max_examples=100)
def test_windows_have_one_width_are_short_enough_and_say_how_many_targets_they_have(lengths, size, length):
    batches = batches_of(numbered(lengths), batch_size=size, sequence_length=length)
    assert batches.num_lanes == min(size, len(lengths))
    for index in range(2 * batches.windows_per_epoch):
        window = batches.window(index)
        assert window.inputs.shape == window.targets.shape
        assert window.inputs.shape[1] == batches.num_lanes
        assert 1 <= window.inputs.shape[0] <= length
        assert window.num_targets == int((window.targets != IGNORED).sum()) > 0
        assert window.inputs.dtype == window.targets.dtype == torch.int64
        padded = window.targets == IGNORED
        assert (window.inputs[padded] == 0).all()


def test_records_of_a_batch_are_of_similar_length():
    rng = np.random.default_rng(0)
    batches = batches_of(numbered(rng.integers(0, 60, 400)), batch_size=8, sequence_length=100)
    spreads = []
    for _, targets in epoch_batches(batches, 0):
        sizes = (targets != IGNORED).sum(dim=0)
        spreads.append(int(sizes.max() - sizes.min()))
    # 400 records sorted in one pool: neighbours differ by about 60 / 50.
    assert max(spreads) <= 4


def test_a_window_is_the_same_whatever_was_read_before():
    records = numbered([5, 3, 9, 1, 0, 7, 7, 2, 11, 4])
    used = batches_of(records, batch_size=3, sequence_length=4)
    for index in (30, 2, 9, 17):
        used.window(index)
    for index in (0, 4, 2 * used.windows_per_epoch + 3):
        fresh, again = batches_of(records, batch_size=3, sequence_length=4).window(index), used.window(index)
        assert torch.equal(fresh.inputs, again.inputs)
        assert torch.equal(fresh.targets, again.targets)
        assert fresh.fresh == again.fresh


@pytest.mark.parametrize("other", [{"epoch": 1, "seed": 1}, {"epoch": 0, "seed": 2}])
def test_epochs_and_seeds_differ_in_their_order(other):
    records = numbered([3] * 60)

    def order(epoch, seed):
        return list(columns(batches_of(records, batch_size=4, sequence_length=8, seed=seed), epoch))

    assert order(**other) != order(epoch=0, seed=1)


def test_one_empty_record_is_one_target():
    batches = batches_of([[]], batch_size=32, sequence_length=64)
    window = batches.window(5)
    assert (window.inputs.tolist(), window.targets.tolist(), window.fresh) == ([[BEGIN]], [[END]], True)


def test_records_are_found_across_the_pieces_a_long_text_is_searched_in(monkeypatch):
    monkeypatch.setattr("charlm.data.tokenfile._PIECE", 7)
    records = numbered([4, 0, 9, 2, 6, 13, 1])
    read = [column for column in columns(batches_of(records, batch_size=2, sequence_length=5), 0) if column[1]]
    assert sorted(read) == sorted(([BEGIN, *record], [*record, END]) for record in records)
