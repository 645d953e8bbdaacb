import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from charlm.data.lanes import IGNORED, Lanes, Window, round_ratio
from charlm.data.tokenfile import TokenFile


def tokens_of(symbols):
    return TokenFile(np.asarray(symbols, dtype=np.uint16))


def lanes_over(num_symbols, *, batch_size, sequence_length, random_length=False, seed=1):
    # Every symbol is its own place, so that a window tells where it was read.
    tokens = tokens_of(np.arange(num_symbols))
    return Lanes(tokens, batch_size=batch_size, sequence_length=sequence_length, random_length=random_length, seed=seed)


def epoch_windows(lanes, epoch):
    first = epoch * lanes.windows_per_epoch
    return [lanes.window(first + place) for place in range(lanes.windows_per_epoch)]


@st.composite
def shapes(draw):
    """Texts around the sizes at which a lane or a window begins, and any others."""
    batch_size = draw(st.integers(1, 7))
    sequence_length = draw(st.integers(1, 9))
    near = draw(st.integers(0, 6)) * batch_size * sequence_length + draw(st.integers(-1, 2))
    num_symbols = max(2, draw(st.one_of(st.just(near), st.integers(2, 300))))
    return num_symbols, batch_size, sequence_length, draw(st.booleans())


def test_a_text_of_eight_symbols_in_two_lanes_by_hand():
    lanes = lanes_over(8, batch_size=2, sequence_length=3)
    # 7 pairs: lane 0 has targets 1 2 3 4, lane 1 has 5 6 7 and a gap; two windows of two.
    assert (lanes.num_lanes, lanes.windows_per_epoch, lanes.targets_per_epoch) == (2, 2, 7)
    first, second = epoch_windows(lanes, 0)
    assert first.inputs.tolist() == [[0, 4], [1, 5]]
    assert first.targets.tolist() == [[1, 5], [2, 6]]
    assert second.inputs.tolist() == [[2, 6], [3, 0]]
    assert second.targets.tolist() == [[3, 7], [4, IGNORED]]
    assert (first.num_targets, second.num_targets) == (4, 3)
    assert (first.fresh, second.fresh) == (True, False)
    assert first.inputs.dtype == first.targets.dtype == torch.int64


@given(shapes())
@settings(deadline=None, max_examples=300)
def test_every_symbol_after_the_first_is_a_target_exactly_once_an_epoch(shape):
    num_symbols, batch_size, sequence_length, random_length = shape
    lanes = lanes_over(num_symbols, batch_size=batch_size, sequence_length=sequence_length, random_length=random_length)
    for epoch in (0, 3):
        windows = epoch_windows(lanes, epoch)
        targets = np.concatenate([window.targets.numpy().ravel() for window in windows])
        assert sorted(targets[targets != IGNORED]) == list(range(1, num_symbols))
        assert [window.num_targets for window in windows] == [
            int((window.targets != IGNORED).sum()) for window in windows
        ]
        assert sum(window.num_targets for window in windows) == lanes.targets_per_epoch


@given(shapes())
@settings(deadline=None, max_examples=200)
def test_a_target_follows_its_input_and_each_lane_goes_on_where_the_window_before_it_ended(shape):
    num_symbols, batch_size, sequence_length, random_length = shape
    lanes = lanes_over(num_symbols, batch_size=batch_size, sequence_length=sequence_length, random_length=random_length)
    windows = epoch_windows(lanes, 1)
    assert [window.fresh for window in windows] == [True] + [False] * (len(windows) - 1)
    inputs = torch.cat([window.inputs for window in windows])
    targets = torch.cat([window.targets for window in windows])
    present = targets != IGNORED
    assert torch.equal(targets[present], inputs[present] + 1)
    assert torch.equal(inputs[1:][present[1:]], targets[:-1][present[1:]])
    assert (inputs[~present] == 0).all()
    # Only the last row may have gaps, so all lanes are equally long but for one symbol.
    assert present[:-1].all()


@given(shapes())
@settings(deadline=None, max_examples=200)
def test_windows_are_nearly_equal_and_never_longer_than_asked(shape):
    num_symbols, batch_size, sequence_length, _ = shape
    lanes = lanes_over(num_symbols, batch_size=batch_size, sequence_length=sequence_length)
    lengths = [len(window.inputs) for window in epoch_windows(lanes, 0)]
    assert max(lengths) <= sequence_length
    assert max(lengths) - min(lengths) <= 1
    assert min(lengths) >= 1


@given(shapes(), st.integers(0, 5))
@settings(deadline=None, max_examples=100)
def test_random_windows_are_as_many_and_differ_by_at_most_a_quarter_at_each_border(shape, epoch):
    num_symbols, batch_size, sequence_length, _ = shape
    sizes = {"batch_size": batch_size, "sequence_length": sequence_length}
    plain = lanes_over(num_symbols, **sizes)
    jittered = lanes_over(num_symbols, random_length=True, **sizes)
    assert jittered.windows_per_epoch == plain.windows_per_epoch
    borders = [np.cumsum([len(window.inputs) for window in epoch_windows(each, epoch)]) for each in (plain, jittered)]
    assert np.abs(borders[0] - borders[1]).max() <= sequence_length / 4
    assert borders[0][-1] == borders[1][-1]
    assert min(len(window.inputs) for window in epoch_windows(jittered, epoch)) >= 1


def test_a_window_is_the_same_whatever_was_read_before():
    sizes = {"batch_size": 3, "sequence_length": 16, "random_length": True}
    used = lanes_over(500, **sizes)
    for index in (40, 3, 7, 100, 2):
        used.window(index)
    for index in (0, 5, 12, 3 * used.windows_per_epoch + 1):
        fresh = lanes_over(500, **sizes).window(index)
        again = used.window(index)
        assert torch.equal(again.inputs, fresh.inputs)
        assert torch.equal(again.targets, fresh.targets)
        assert (again.fresh, again.num_targets) == (fresh.fresh, fresh.num_targets)


@pytest.mark.parametrize(("random_length", "equal"), [(False, True), (True, False)])
def test_only_random_windows_differ_between_epochs_and_seeds(random_length, equal):
    def lengths(epoch, seed=1):
        lanes = lanes_over(2000, batch_size=2, sequence_length=40, random_length=random_length, seed=seed)
        return [len(window.inputs) for window in epoch_windows(lanes, epoch)]

    assert (lengths(0) == lengths(1)) is equal
    assert (lengths(0) == lengths(0, seed=2)) is equal


@pytest.mark.parametrize(
    ("num_symbols", "num_lanes"), [(2, 1), (8, 1), (9, 1), (16, 1), (17, 2), (32, 3), (33, 4), (1000, 4)]
)
def test_a_short_text_has_fewer_lanes_so_that_each_fills_a_window(num_symbols, num_lanes):
    assert lanes_over(num_symbols, batch_size=4, sequence_length=8).num_lanes == num_lanes


def test_a_mapped_file_gives_the_same_windows_as_memory(tmp_path):
    symbols = np.random.default_rng(0).integers(0, 50, 1000).astype(np.uint8)
    (tmp_path / "train.bin").write_bytes(symbols.tobytes())
    with (tmp_path / "train.bin").open("rb") as file:
        mapped = TokenFile.map(file, symbols.dtype)
    starts = np.array([0, 700, 990])
    assert np.array_equal(mapped.columns(starts, 20), TokenFile(symbols).columns(starts, 20))
    assert mapped.columns(starts, 20)[10:, 2].tolist() == [0] * 10
    assert np.array_equal(mapped.in_memory().read(0, 1000), symbols)
    assert mapped.in_memory(limit_bytes=999) is mapped


def test_lanes_of_a_window_are_windows():
    window = lanes_over(8, batch_size=2, sequence_length=3).window(1)
    right = window.lanes(1, 2)
    assert right.inputs.tolist() == [[6], [0]]
    assert right.targets.tolist() == [[7], [IGNORED]]
    assert (right.num_targets, right.fresh) == (1, False)
    assert window.lanes(0, 2) is window
    assert isinstance(window.to(torch.device("cpu")), Window)


@given(st.integers(0, 10**19), st.integers(1, 10**10))
@settings(deadline=None)
def test_a_ratio_is_rounded_to_the_nearest_integer_at_any_size(numerator, denominator):
    rounded = round_ratio(numerator, denominator)
    assert 2 * abs(numerator - rounded * denominator) <= denominator
