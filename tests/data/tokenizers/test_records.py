import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charlm.data.tokenizers.byte import ByteTokenizer
from charlm.data.tokenizers.char import CharTokenizer
from charlm.data.tokenizers.records import RecordTokenizer, split_records

AB = RecordTokenizer(CharTokenizer("ab"))
LINES = st.text(st.sampled_from("ab\r\n\x85\u2028é"))


def test_each_line_stands_between_begin_and_end():
    # inner: unknown 0, a 1, b 2; each two higher
    assert AB.encode("ab\na\n").tolist() == [0, 3, 4, 1, 0, 3, 1]


def test_a_last_line_without_a_line_end_is_a_record():
    assert AB.encode("a\nb").tolist() == [0, 3, 1, 0, 4, 1]


def test_empty_lines_are_no_records():
    assert AB.encode("\n\na\n\r\n\n").tolist() == [0, 3, 1]
    assert AB.encode("").shape == (0,)
    assert AB.encode("\n\n").dtype == "uint8"


def test_one_carriage_return_before_a_line_end_belongs_to_it():
    assert AB.encode("a\r\nb\r").tolist() == [0, 3, 1, 0, 4, 1]
    assert AB.encode("a\r\r\nb\rb").tolist() == [0, 3, 2, 1, 0, 4, 2, 4, 1]


def test_a_prompt_begins_a_record_and_does_not_end_it():
    assert AB.encode_prompt("ab").tolist() == [0, 3, 4]
    assert AB.encode_prompt("").tolist() == [0]


def test_a_newline_in_a_prompt_is_an_unknown_character():
    assert AB.encode_prompt("a\n").tolist() == [0, 3, 2]
    assert AB.unknown == 2
    assert AB.unknown_characters("a\n") == ["\n"]


def test_decoding_puts_a_newline_after_each_end():
    assert AB.decode([0, 3, 4, 1, 0, 3]) == "ab\na"


def test_a_record_that_ends_inside_a_character_does_not_spoil_the_next():
    tokenizer = RecordTokenizer(ByteTokenizer())
    assert tokenizer.decode([0, 0xC3 + 2, 1, 0, 0xA9 + 2]) == "\ufffd\n\ufffd"
    assert tokenizer.decode([0, 0xC3 + 2, 0, 0x61 + 2]) == "\ufffda"


@settings(deadline=None, max_examples=100)
@given(LINES, st.integers(1, 5))
def test_records_may_straddle_chunks(text, size):
    chunks = [text[start : start + size] for start in range(0, len(text), size)]
    streamed = [record for batch in split_records(chunks) for record in batch]
    assert streamed == [line.removesuffix("\r") for line in text.split("\n") if line.removesuffix("\r")]
    whole = AB.encode(text)
    assert np.array_equal(np.concatenate(list(AB.encode_stream(chunks))), whole)
    known = AB.extend(AB.unknown_characters(text))
    assert known.decode(known.encode(text)) == "".join(f"{record}\n" for record in streamed)


def test_no_chunks_at_all_are_no_records():
    assert [len(tokens) for tokens in AB.encode_stream([])] == [0]


def test_complete_records_are_not_held_back():
    def chunks():
        yield "a\nb"
        raise RuntimeError

    stream = iter(AB.encode_stream(chunks()))
    assert next(stream).tolist() == [0, 3, 1]
    with pytest.raises(RuntimeError):
        next(stream)


def test_the_integer_type_grows_with_the_two_extra_symbols():
    inner = CharTokenizer([chr(code) for code in range(254)])
    assert inner.encode("a").dtype == "uint8"
    tokens = RecordTokenizer(inner).encode("\xfd")
    assert tokens.dtype == "uint16"
    assert tokens.tolist() == [0, 256, 1]


def test_nothing_is_unknown_where_the_inner_symbols_know_everything():
    assert RecordTokenizer(ByteTokenizer()).unknown is None


def test_extension_appends_and_ignores_the_newline():
    extended = AB.extend("\nc")
    assert extended.vocabulary_size == AB.vocabulary_size + 1
    assert extended.encode("abc").tolist() == [0, 3, 4, 5, 1]


def test_an_end_counts_as_its_line_end_and_a_begin_as_nothing():
    tokenizer = RecordTokenizer(CharTokenizer("aé"))
    assert tokenizer.symbol_characters.tolist() == [0, 1, 1, 1, 1]
    assert tokenizer.symbol_bytes.tolist() == [0, 1, 0, 1, 2]
    assert tokenizer.symbol_bytes[tokenizer.encode("aé\né\n")].sum() == len("aé\né\n".encode())


def test_names_are_printable():
    assert [AB.symbol_name(token) for token in range(4)] == ["<begin>", "<end>", "<unknown>", "'a'"]


def test_the_unknown_symbol_stands_for_every_character_that_a_record_can_hold_and_has_no_symbol():
    every = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x110000)]))
    assert AB.num_unknown_characters == int((AB.encode(every) == AB.unknown).sum()) == 0x110000 - 0x800 - len("ab\n")
    assert RecordTokenizer(ByteTokenizer()).num_unknown_characters == 0
