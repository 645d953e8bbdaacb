import numpy as np
import pytest

from charlm.compression.coder import encode
from charlm.compression.lanes import LaneReader, cut_lanes, in_columns
from tests.support.compressing import coding_of, silent

CHAR = coding_of("char")
NAMES = coding_of("char", "lines")


def reader_of(coding, num_lanes: int = 1) -> LaneReader:
    return LaneReader(coding.model, coding.tokenizer, num_lanes=num_lanes)


def symbols_of(coding, text: str) -> np.ndarray:
    tokens = coding.tokenizer.encode(text)
    return tokens if coding.tokenizer.begin is None else tokens[tokens != coding.tokenizer.begin]


def test_running_text_is_cut_into_equal_parts():
    lanes = cut_lanes(np.arange(11), num_lanes=3, end=None)
    assert [lane.tolist() for lane in lanes] == [[0, 1, 2], [3, 4, 5, 6], [7, 8, 9, 10]]


def test_lanes_stand_side_by_side_and_keep_their_last_symbol():
    lanes = [np.array([5, 6]), np.array([], dtype=int), np.array([7])]
    columns, is_coded = in_columns(lanes, before=np.array([1, 2, 3]))
    assert columns.tolist() == [[5, 2, 7], [6, 2, 7]]
    assert is_coded.tolist() == [[True, False, True], [True, False, False]]


@pytest.mark.parametrize("ended", [(), (0, 1, 2), (1,), (0, 2)])
def test_a_record_begins_anew_in_its_lane_alone(ended):
    end = NAMES.tokenizer.end
    letters = symbols_of(NAMES, "the man\n")[:3]
    reader = reader_of(NAMES, 3)
    alone = [reader_of(NAMES) for _ in range(3)]
    for lane in (reader, *alone):
        lane.logits()
    for last in (letters, np.array([end if lane in ended else letters[lane] for lane in range(3)]), letters):
        reader.last = last
        together = reader.logits().copy()
        for lane, each in enumerate(alone):
            each.last = last[lane : lane + 1]
            assert np.array_equal(each.logits()[0], together[lane])


def test_records_are_read_as_if_each_were_alone():
    one, other = (encode(reader_of(NAMES), [symbols_of(NAMES, text)], advance=silent) for text in ("a hen\n", "man\n"))
    both = encode(reader_of(NAMES), [symbols_of(NAMES, "a hen\nman\n")], advance=silent)
    assert abs(len(both) - len(one) - len(other)) <= 8
    reader = reader_of(NAMES)
    first = reader.logits().copy()
    for token in symbols_of(NAMES, "a hen\n"):
        reader.last = np.array([token])
        after = reader.logits()
    assert np.array_equal(after, first)


def test_records_are_cut_where_they_end():
    tokens = symbols_of(NAMES, "a\nthe hen\nman\nten\n")
    lanes = cut_lanes(tokens, num_lanes=3, end=NAMES.tokenizer.end)
    assert np.array_equal(np.concatenate(lanes), tokens)
    assert all(lane[-1] == NAMES.tokenizer.end for lane in lanes if len(lane))


def test_a_copy_goes_on_alone():
    reader = reader_of(CHAR)
    encode(reader, [symbols_of(CHAR, "the c")], advance=silent)
    copy = reader.copy()
    expected = encode(copy, [symbols_of(CHAR, "at sat")], advance=silent)
    assert encode(reader, [symbols_of(CHAR, "at sat")], advance=silent) == expected
