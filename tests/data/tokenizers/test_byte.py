import pytest
import torch

from charlm.data.tokenizers.base import Decoder
from charlm.data.tokenizers.byte import ByteTokenizer
from charlm.errors import DataError

BYTES = ByteTokenizer()


def test_symbols_are_the_bytes_of_utf8():
    tokens = BYTES.encode("a\xe9\U0001f600\0")
    assert tokens.tolist() == [0x61, 0xC3, 0xA9, 0xF0, 0x9F, 0x98, 0x80, 0x00]
    assert tokens.dtype == "uint8"


def test_torch_takes_the_symbols_without_a_warning():
    assert torch.from_numpy(BYTES.encode("ab")).tolist() == [97, 98]


def test_bytes_that_are_no_utf8_become_replacement_characters():
    assert BYTES.decode([0x61, 0xFF, 0xC3]) == "a\ufffd\ufffd"


def test_a_character_is_shown_when_its_last_byte_arrives():
    decoder = BYTES.decoder()
    assert [decoder.feed(byte) for byte in "é!€".encode()] == ["", "é", "!", "", "", "€"]
    assert decoder.finish() == ""


def test_an_unfinished_character_is_shown_at_the_end():
    decoder = BYTES.decoder()
    assert [decoder.feed(0xE2), decoder.feed(0x82), decoder.finish()] == ["", "", "\ufffd"]


def test_a_decoder_takes_symbols_of_several_bytes():
    decoder = Decoder([b"a\xe2", b"\x82", b"\xacb"])
    assert [decoder.feed(token) for token in (0, 1, 2)] == ["a", "", "€b"]


def test_a_symbol_without_bytes_ends_an_unfinished_character():
    decoder = Decoder([b"\xe2", b"", b"a"])
    assert [decoder.feed(token) for token in (0, 1, 2)] == ["", "\ufffd", "a"]


def test_a_lone_surrogate_is_refused_with_its_place():
    with pytest.raises(DataError, match=r"U\+D800 at character 2"):
        BYTES.encode("ab\ud800")


def test_nothing_is_unknown_and_nothing_to_extend():
    assert BYTES.unknown is None
    assert BYTES.unknown_characters("日本") == []
    assert BYTES.extend("日") is BYTES


def test_only_bytes_that_begin_a_character_count_as_one():
    assert BYTES.symbol_characters[[0x00, 0x7F, 0x80, 0xBF, 0xC2, 0xF4]].tolist() == [1, 1, 0, 0, 1, 1]
    assert BYTES.symbol_characters[list("aé€".encode())].tolist() == [1, 1, 0, 1, 0, 0]


def test_names_are_printable():
    assert [BYTES.symbol_name(byte) for byte in (0x61, 0x0A, 0xE9)] == ["'a'", "'\\n'", "<0xE9>"]
