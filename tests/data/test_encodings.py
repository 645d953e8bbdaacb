import codecs
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charlm.data import encodings
from charlm.data.encodings import character_start, decode, detect_encoding, resolve_encoding
from charlm.data.raw import SpooledInput
from charlm.errors import ConfigError, DataError

MEBIBYTE = 1 << 20


def raw(content: bytes) -> SpooledInput:
    return SpooledInput(io.BytesIO(content), name="x.txt")


def text_of(content: bytes, encoding: str = "utf-8", start: int = 0, stop: int | None = None) -> str:
    return "".join(decode(raw(content), encoding=encoding, start=start, stop=stop))


@pytest.mark.parametrize(("given_name", "name"), [("UTF8", "utf-8"), ("Latin-1", "iso8859-1"), ("cp1252", "cp1252")])
def test_an_encoding_has_one_name(given_name: str, name: str) -> None:
    assert resolve_encoding(given_name) == name


@pytest.mark.parametrize("name", sorted(encodings._KNOWN))
def test_every_encoding_that_is_known_is_one(name: str) -> None:
    assert resolve_encoding(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "utf-9",
        "hex",
        "rot13",
        "",
        "a\0b",
        "punycode",
        "idna",
        "unicode_escape",
        "raw_unicode_escape",
        "utf-7",
        "undefined",
    ],
)
def test_what_is_no_text_encoding_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=r"is not a text encoding; use for example utf-8"):
        resolve_encoding(name)


@settings(deadline=None, max_examples=50)
@given(st.text(max_size=50), st.sampled_from(["utf-8", "utf-16", "utf-32", "utf-16-le", "gb18030"]))
def test_what_was_encoded_comes_back(text: str, encoding: str) -> None:
    text = text.removeprefix("\ufeff")
    assert text_of(text.encode(encoding), encoding) == text


@pytest.mark.parametrize("padding", range(4))
def test_characters_across_a_block_border_are_whole(padding: int) -> None:
    text = "x" * (MEBIBYTE - padding) + "😀€é"
    assert text_of(text.encode()) == text


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (codecs.BOM_UTF8 + b"a", "utf-8"),
        (codecs.BOM_UTF8 + b"a", "utf-8-sig"),
        (codecs.BOM_UTF16_LE + b"a\0", "utf-16"),
        (codecs.BOM_UTF16_BE + b"\0a", "utf-16"),
        (codecs.BOM_UTF16_BE + b"\0a", "utf-16-be"),
        (codecs.BOM_UTF32_LE + b"a\0\0\0", "utf-32"),
    ],
)
def test_a_byte_order_mark_is_obeyed_and_dropped(content: bytes, encoding: str) -> None:
    assert text_of(content, encoding) == "a"


def test_a_byte_order_mark_elsewhere_is_text() -> None:
    bom = codecs.BOM_UTF8
    assert text_of(bom + bom + b"a" + bom) == "\ufeffa\ufeff"
    assert text_of(b"abc" + bom, start=3) == "\ufeff"


def test_a_bad_byte_is_told_with_file_line_offset_and_remedy() -> None:
    with pytest.raises(DataError) as caught:
        text_of(b"one\ntwo\ncaf\xe9 three\n")
    assert str(caught.value) == (
        "'x.txt' is not valid utf-8: byte 0xe9 at offset 11 (line 3) does not decode. "
        "Say which encoding it is in with --encoding NAME, or use --encoding auto."
    )


def test_a_bad_byte_in_a_later_block_is_told_by_its_place_in_the_file() -> None:
    content = b"ab\n" * 500_000 + "€".encode()[:2] + b"xyz"
    with pytest.raises(DataError, match=r"byte 0xe2 at offset 1500000 \(line 500001\)"):
        text_of(content)
    with pytest.raises(DataError, match=r"byte 0xe2 at offset 1500000 \(line 500001\)"):
        text_of(content, start=1_000_000)


def test_a_character_cut_short_by_the_end_is_refused() -> None:
    with pytest.raises(DataError, match=r"byte 0xe2 at offset 3 \(line 1\)"):
        text_of(b"abc" + "€".encode()[:2])


def test_lines_are_counted_in_characters_where_those_are_wider_than_bytes() -> None:
    content = "\u0a0a\u0a0a\nx".encode("utf-16-le") + b"\x00\xd8"  # half of a surrogate pair in line 2
    with pytest.raises(DataError, match=r"is not valid utf-16-le: byte 0x00 at offset 8 \(line 2\)"):
        text_of(content, "utf-16-le")


def test_bytes_that_look_binary_are_told_so() -> None:
    with pytest.raises(DataError, match=r"looks binary, not like text: it has NUL bytes, and byte 0x89 at offset 0"):
        text_of(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")


def test_nul_characters_alone_are_text() -> None:
    assert text_of(b"a\0b") == "a\0b"


def test_utf_16_read_as_utf_8_is_recognised_by_its_mark() -> None:
    with pytest.raises(DataError, match=r"byte order mark of UTF-16.*Use --encoding utf-16."):
        text_of("hello".encode("utf-16"))


def test_utf_16_without_a_mark_is_refused_with_a_remedy() -> None:
    with pytest.raises(DataError, match=r"does not decode as utf-16 \(UTF-16 stream does not start with BOM\). Say"):
        text_of("hello".encode("utf-16-le"), "utf-16")


@pytest.mark.parametrize(("offset", "start"), [(0, 0), (1, 1), (2, 4), (3, 4), (4, 4), (5, 5), (9, 9)])
def test_a_character_starts_at_or_after_any_offset(offset: int, start: int) -> None:
    assert character_start(raw("a€b".encode()), offset) == start


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (b"plain", "utf-8"),
        ("naïve".encode(), "utf-8"),
        ("x".encode("utf-16"), "utf-16"),
        ("x".encode("utf-32"), "utf-32"),
        (("Все счастливые семьи похожи друг на друга. " * 30).encode("koi8-r"), "koi8-r"),
        (("Un niño comió piñas y algún palomino de añadidura los sábados. " * 9).encode("cp1252"), "cp1252"),
        (b"x" * (MEBIBYTE - 1) + "é".encode(), "utf-8"),
    ],
)
def test_detection_finds_the_encoding(content: bytes, encoding: str) -> None:
    assert detect_encoding(raw(content)) == encoding


def test_detection_reads_the_last_line_of_a_short_text() -> None:
    content = b"plain\n" + ("Все счастливые семьи похожи друг на друга." * 9).encode("koi8-r")
    assert text_of(content, detect_encoding(raw(content))).endswith("друга.")


def test_detection_is_not_misled_by_a_character_at_the_end_of_what_it_reads() -> None:
    line = "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。\n".encode("euc-jp")
    content = b"\n" + line * (2 * MEBIBYTE // len(line))
    assert (MEBIBYTE - 1) % len(line) % 2 == 1  # the bound falls into a character
    assert detect_encoding(raw(content)) in {"euc_jp", "euc_jis_2004", "euc_jisx0213"}


def test_detection_says_when_nothing_fits() -> None:
    with pytest.raises(DataError, match=r"'x.txt': no encoding fits its bytes"):
        detect_encoding(raw(bytes(range(256)) * 40))
