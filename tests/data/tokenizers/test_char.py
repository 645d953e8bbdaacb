import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charlm.data.tokenizers.char import CharTokenizer
from charlm.errors import DataError

ABC = CharTokenizer("abc")


def test_symbols_are_numbered_from_one_in_the_given_order():
    assert CharTokenizer(["c", "\U0001f600", "a"]).encode("a\U0001f600c").tolist() == [3, 2, 1]


def test_what_the_vocabulary_lacks_is_symbol_zero_below_between_and_above_the_known():
    assert CharTokenizer("bd").encode("abcd\xe9\U0010ffff\ud800").tolist() == [0, 1, 0, 2, 0, 0, 0]


def test_unknown_is_shown_as_the_replacement_character():
    assert ABC.decode([1, 0, 3]) == "a\ufffdc"


def test_a_literal_replacement_character_is_known_once_it_was_seen():
    tokenizer = CharTokenizer("a\ufffd")
    assert tokenizer.encode("\ufffdx").tolist() == [2, 0]
    assert tokenizer.unknown_characters("\ufffdx") == ["x"]
    assert ABC.encode("\ufffd").tolist() == [0]


@pytest.mark.parametrize(
    ("num_characters", "dtype"), [(1, "uint8"), (255, "uint8"), (256, "uint16"), (65535, "uint16"), (65536, "uint32")]
)
def test_the_integer_type_is_the_smallest_that_holds_the_vocabulary(num_characters, dtype):
    characters = [chr(code) for code in range(num_characters + 0x800) if not 0xD800 <= code < 0xE000][:num_characters]
    tokenizer = CharTokenizer(characters)
    assert tokenizer.vocabulary_size == num_characters + 1
    tokens = tokenizer.encode(characters[-1])
    assert tokens.dtype == dtype
    assert tokens.tolist() == [num_characters]


def test_the_empty_text_has_no_symbols():
    assert ABC.encode("").shape == (0,)
    assert CharTokenizer("").encode("ab").tolist() == [0, 0]


def test_long_texts_are_encoded_across_the_internal_blocks():
    text = "abcab" * 50_001
    assert np.array_equal(ABC.encode(text), np.array([1, 2, 3, 1, 2] * 50_001))


@settings(deadline=None, max_examples=100)
@given(st.text(), st.text())
def test_encoding_agrees_with_a_dictionary(vocabulary, text):
    characters = sorted(set(vocabulary))
    reference = {character: number for number, character in enumerate(characters, start=1)}
    tokenizer = CharTokenizer(characters)
    assert tokenizer.encode(text).tolist() == [reference.get(character, 0) for character in text]
    assert tokenizer.unknown_characters(text) == [c for c in dict.fromkeys(text) if c not in reference]


@settings(deadline=None, max_examples=50)
@given(st.text(), st.text())
def test_extension_keeps_numbers_and_leaves_nothing_unknown(vocabulary, text):
    tokenizer = CharTokenizer(sorted(set(vocabulary)))
    extended = tokenizer.extend(tokenizer.unknown_characters(text))
    assert extended.encode(vocabulary).tolist() == tokenizer.encode(vocabulary).tolist()
    assert extended.decode(extended.encode(text)) == text
    assert extended.vocabulary_size == 1 + len(set(vocabulary) | set(text))


def test_extension_by_known_and_repeated_characters_adds_each_once():
    assert ABC.extend("bxbx") == CharTokenizer("abcx")


def test_bytes_are_those_of_utf8_and_unknown_has_none():
    assert CharTokenizer("\x7f\x80\u07ff\u0800\uffff\U00010000").symbol_bytes.tolist() == [0, 1, 2, 2, 3, 3, 4]
    assert ABC.symbol_characters.tolist() == [1, 1, 1, 1]


def test_names_are_printable():
    tokenizer = CharTokenizer("a\n")
    assert [tokenizer.symbol_name(token) for token in range(3)] == ["<unknown>", "'a'", "'\\n'"]


def test_a_lone_surrogate_is_refused_by_name():
    with pytest.raises(DataError, match=r"U\+DC80"):
        CharTokenizer("a\udc80")


@pytest.mark.parametrize("characters", ["aa", ["ab"]])
def test_repeated_and_longer_characters_are_our_own_mistake(characters):
    with pytest.raises(AssertionError):
        CharTokenizer(characters)


def test_the_unknown_symbol_stands_for_every_character_of_unicode_that_has_no_symbol():
    every = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x110000)]))
    for vocabulary in ("", "ab\n", "\ufffd\u6570"):
        tokenizer = CharTokenizer(vocabulary)
        assert tokenizer.num_unknown_characters == int((tokenizer.encode(every) == tokenizer.unknown).sum())
