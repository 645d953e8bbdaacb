import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.compression.packing import pack
from charlm.compression.spelling import Speller, Spelling
from charlm.files.errors import UntrustedFileError
from tests.support.compressing import KINDS, TEXT, coding_of

READ_TEXT = st.text(st.sampled_from("athe \n\r\u00e9e\u0301\ufeff\ufffd\u2581\u5b57\udcff\x00")) | st.text()


def speller(*settings: str) -> Speller:
    coding = coding_of(*settings)
    return Speller(coding.tokenizer, coding.data)


@pytest.mark.parametrize(("newlines", "normalize"), [("keep", "none"), ("lf", "nfc"), ("keep", "nfkc")])
@pytest.mark.parametrize(("tokenizer", "records"), KINDS)
@given(text=READ_TEXT, is_first=st.booleans())
def test_any_text_comes_back(tokenizer, records, newlines, normalize, text, is_first):
    one = speller(tokenizer, records, newlines, normalize)
    spelling = one.spell(text, is_first=is_first)
    assert spelling is not None
    assert one.text_of(spelling) == text


@pytest.mark.parametrize(("tokenizer", "records"), KINDS)
def test_a_text_as_it_is_read_takes_symbols_alone(tokenizer, records):
    spelling = speller(tokenizer, records).spell(TEXT, is_first=True)
    coding = coding_of(tokenizer, records)
    expected = coding.tokenizer.encode(TEXT)
    assert np.array_equal(
        spelling.tokens, expected[expected != coding.tokenizer.begin] if records == "lines" else expected
    )
    assert (spelling.edits, spelling.unknown) == (b"", "") and spelling.line_end == 0


@pytest.mark.parametrize(
    ("settings", "line_end", "number"),
    [
        (("char", "none", "lf"), "\r\n", 1),
        (("char", "none", "lf"), "\r", 2),
        (("char", "lines"), "\r\n", 1),
        (("byte", "none", "keep"), "\r\n", 0),
    ],
)
def test_line_ends_that_are_all_alike_take_no_edits(settings, line_end, number):
    spelling = speller(*settings).spell(TEXT.replace("\n", line_end), is_first=True)
    assert (spelling.edits, spelling.unknown, spelling.line_end) == (b"", "", number)


def test_the_symbols_are_those_of_the_text_as_it_is_read():
    mixed = "\ufeffthe cat\r\nthe dog\nh\u00e9n, " + unicodedata.normalize("NFD", "h\u00e9n")
    spelling = speller("char", "none", "lf", "nfc").spell(mixed, is_first=True)
    tokenizer = coding_of("char").tokenizer
    assert tokenizer.decode(spelling.tokens.tolist()).replace("\ufffd", ",") == "the cat\nthe dog\nh\u00e9n, h\u00e9n"


def test_unknown_characters_take_a_symbol_each_and_stand_beside():
    spelling = speller("char").spell("the \u5b57 cat\udcff", is_first=True)
    assert (spelling.tokens == 0).sum() == 2
    assert spelling.edits == b"" and spelling.unknown == "\u5b57\udcff"


@given(
    tokens=st.lists(st.integers(0, 19)),
    line_end=st.integers(0, 255),
    unknown=st.text(st.characters()),
    edits=st.binary(max_size=9) | st.binary(max_size=40).map(pack),
)
def test_a_forged_spelling_is_refused_or_read(tokens, line_end, unknown, edits):
    spelling = Spelling(np.array(tokens, dtype=np.int64), line_end, unknown, edits)
    for settings in (("char",), ("char", "lines"), ("byte",)):
        try:
            speller(*settings).text_of(spelling)
        except UntrustedFileError:
            continue
