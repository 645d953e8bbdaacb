import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.compression.edits import Edit, edited, edits_between, pack_edits, pack_text, unpack_edits, unpack_text
from charlm.compression.packing import pack
from charlm.files.errors import UntrustedFileError

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=12)


def test_an_edit_is_only_as_long_as_what_differs():
    assert list(edits_between([("ab", "ab"), ("cdef", "cXf"), ("g", "g"), ("", "h")])) == [
        Edit(kept=3, removed=2, added="X"),
        Edit(kept=2, removed=0, added="h"),
    ]


@given(st.lists(st.tuples(ANY_TEXT, ANY_TEXT)))
def test_edits_lead_from_one_text_to_the_other(pieces):
    edits = unpack_edits(pack_edits(list(edits_between(pieces))))
    assert edited("".join(one for one, _ in pieces), edits) == "".join(other for _, other in pieces)


@given(ANY_TEXT)
def test_any_text_comes_back(text):
    assert unpack_text(pack_text(text)) == text


def test_nothing_takes_no_bytes():
    assert pack_edits([]) == b"" == pack_text("")


def test_edits_beyond_the_end_of_a_text_are_refused():
    with pytest.raises(UntrustedFileError, match="another text"):
        edited("abc", [Edit(2, 2, "x")])


@pytest.mark.parametrize(
    "content", [b"", b"\2", b"\2\0\0\0", b"\xff\xff\xff\xff" * 7, b"\1\0\0\0" + bytes(11), b"\0\0\0\0\xff"]
)
def test_what_is_no_edits_is_refused(content):
    try:
        assert unpack_edits(pack(content)) == []
    except UntrustedFileError:
        return
    assert content == b""


@given(st.binary(max_size=64))
def test_forged_edits_are_refused_or_read(content):
    for packed in (content, pack(content)):
        try:
            unpack_edits(packed)
        except UntrustedFileError:
            continue
