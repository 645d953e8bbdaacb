from hypothesis import given
from hypothesis import strategies as st

from charlm.data.code_points import BLOCK, code_points, utf8_length


def test_code_points_are_numbers_of_characters():
    assert code_points("aé€😀\ud800").tolist() == [0x61, 0xE9, 0x20AC, 0x1F600, 0xD800]


@given(st.text())
def test_the_length_is_that_of_the_encoding(text):
    assert utf8_length(text) == len(text.encode())


def test_lengths_add_up_over_blocks_of_different_scripts():
    text = "a" * BLOCK + "é" * BLOCK + "€" * BLOCK + "😀" * BLOCK + "é"
    assert utf8_length(text) == (1 + 2 + 3 + 4) * BLOCK + 2
