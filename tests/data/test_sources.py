import io
import re
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charlm.data.raw import FileInput, SpooledInput
from charlm.data.sources import (
    CHUNK_CHARACTERS,
    CombinedSource,
    DecodedSource,
    KeptSource,
    StringSource,
    TextSource,
    text_slug,
)
from charlm.errors import DataError


def text_of(source: TextSource) -> str:
    return "".join(source.chunks())


def decoded(content: bytes, start: int = 0, stop: int | None = None, encoding: str = "utf-8") -> DecodedSource:
    return DecodedSource(SpooledInput(io.BytesIO(content), name="x"), "x", encoding, start, stop)


def test_a_string_comes_in_pieces_of_a_mebi_of_characters() -> None:
    source = StringSource("é" * (2 * CHUNK_CHARACTERS + 1))
    assert [len(chunk) for chunk in source.chunks()] == [CHUNK_CHARACTERS, CHUNK_CHARACTERS, 1]
    assert source.size_bytes() == 2 * (2 * CHUNK_CHARACTERS + 1)


def test_an_empty_text_has_no_chunks() -> None:
    assert list(StringSource("").chunks()) == []
    assert list(decoded(b"").chunks()) == []
    assert list(CombinedSource((), "nothing").chunks()) == []


def test_a_string_with_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(DataError, match=r"U\+D800 at character 1 of"):
        StringSource("a\ud800")


def test_one_line_of_many_megabytes_comes_in_bounded_chunks(tmp_path: Path) -> None:
    path = tmp_path / "line.txt"
    path.write_bytes(b"x" * 5_000_000)
    chunks = [len(chunk) for chunk in DecodedSource(FileInput(path), "line").chunks()]
    assert sum(chunks) == 5_000_000
    assert max(chunks) <= CHUNK_CHARACTERS


def test_texts_are_joined_as_cat_would() -> None:
    whole = CombinedSource((StringSource("a\r"), StringSource("\nb"), StringSource("a\r")), "all")
    assert text_of(whole) == "a\r\nba\r"
    assert whole.size_bytes() == 6


def test_line_ends_and_marks_are_settled_across_the_joins() -> None:
    parts = (StringSource("a\r"), StringSource("\ne"), StringSource("\u0301"))
    assert text_of(CombinedSource(parts, "all", newlines="lf", normalize="nfc")) == "a\né"


@pytest.mark.parametrize(("size", "num_readings"), [(5, 1), (6, 3)])
def test_a_text_is_kept_from_its_first_reading_to_the_end_if_it_is_short(
    tmp_path: Path, size: int, num_readings: int
) -> None:
    path = tmp_path / "x.txt"
    path.write_text("a" * size)
    kept = KeptSource(DecodedSource(FileInput(path), "x"), most_bytes=sys.getsizeof("aaaaa"))
    assert next(kept.chunks()) == "a" * size  # not to its end
    contents = []
    for content in ("b" * size, "c" * size, "d" * size):
        path.write_text(content)
        contents.append(text_of(kept))
    assert len(set(contents)) == num_readings
    assert (kept.label, kept.size_bytes()) == ("x", size)


@pytest.mark.parametrize(("normalize", "text"), [("none", "ﬁe\u0301"), ("nfc", "ﬁé"), ("nfkc", "fié")])
def test_normal_forms_differ_as_unicode_says(normalize: str, text: str) -> None:
    assert text_of(CombinedSource((StringSource("ﬁe\u0301"),), "x", normalize=normalize)) == text  # type: ignore[arg-type]


def test_the_chunks_do_not_depend_on_how_the_parts_are_cut() -> None:
    text = "ab" * CHUNK_CHARACTERS
    one = CombinedSource((StringSource(text),), "one")
    many = CombinedSource(tuple(StringSource(text[i : i + 99_991]) for i in range(0, len(text), 99_991)), "many")
    assert list(one.chunks()) == list(many.chunks()) == list(many.chunks())


@settings(deadline=None, max_examples=60)
@given(st.text(st.sampled_from("aé€😀"), max_size=12), st.data())
def test_ranges_of_bytes_share_the_characters_out_without_loss_or_overlap(text: str, data: st.DataObject) -> None:
    content = text.encode()
    first, second = sorted(data.draw(st.tuples(*[st.integers(0, len(content))] * 2)))
    parts = [decoded(content, 0, first), decoded(content, first, second), decoded(content, second)]
    assert "".join(map(text_of, parts)) == text


def test_a_range_begins_at_the_next_character() -> None:
    content = "a€b".encode()  # a at 0, € at 1 to 3, b at 4
    assert text_of(decoded(content, 0, 2)) == "a€"
    assert text_of(decoded(content, 2)) == "b"
    assert text_of(decoded("a€b".encode("latin-1", "replace"), 1, 2, "iso8859-1")) == "?"


def test_the_size_of_a_range_is_known() -> None:
    assert decoded(b"0123456789", 2, 5).size_bytes() == 3
    assert decoded(b"0123456789", 2, 50).size_bytes() == 8
    assert decoded(b"0123456789").size_bytes() == 10


def test_the_size_of_a_whole_with_an_archive_in_it_is_unknown(tmp_path: Path) -> None:
    packed = DecodedSource(FileInput(tmp_path / "a.gz"), "a")
    assert CombinedSource((StringSource("b"), packed), "all").size_bytes() is None


@settings(deadline=None)
@given(st.text(max_size=120))
def test_any_label_makes_a_name_for_a_run(label: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}", text_slug(label))


@pytest.mark.parametrize(
    ("label", "slug"),
    [("war & peace", "war-peace"), ("a.txt and 2 more", "a.txt-and-2-more"), ("Война", "text"), ("..x-", "x")],
)
def test_a_slug_stays_readable(label: str, slug: str) -> None:
    assert text_slug(label) == slug
