import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charlm.compression import codec
from charlm.compression.packing import BLOCK_BYTES
from charlm.files.errors import UntrustedFileError
from tests.support.compressing import KINDS, TEXT, coding_of, compress, decompress, model_alone

CHAR = coding_of("char")
FILES = (
    st.binary()
    | st.text().map(str.encode)
    | st.lists(st.sampled_from([b"the", b"\r", b"\n", b" a\xcc", b"\x81"])).map(b"".join)
)


@pytest.mark.parametrize("num_streams", [1, 5])
@pytest.mark.parametrize(("tokenizer", "records"), KINDS)
@settings(max_examples=30)
@given(
    content=FILES,
    newlines=st.sampled_from(["keep", "lf"]),
    normalize=st.sampled_from(["none", "nfc"]),
    adapts=st.booleans(),
)
def test_any_bytes_come_back(tokenizer, records, num_streams, content, newlines, normalize, adapts):
    coding = coding_of(tokenizer, records, newlines, normalize, adapts)
    packed = compress(content, coding, num_streams=num_streams)
    assert decompress(packed, coding) == content
    assert len(packed) < len(content) + 150 + 4 * num_streams
    with model_alone():
        coded = compress(content, coding, num_streams=num_streams)
    assert decompress(coded, coding) == content


@pytest.mark.parametrize("content", [b"", b"t", b"\xff", b"\n", b"\xef\xbb\xbf", b"\xef\xbb\xbfthe"])
@pytest.mark.parametrize(("tokenizer", "records"), KINDS)
def test_the_shortest_files_come_back(tokenizer, records, content):
    coding = coding_of(tokenizer, records)
    for num_streams in (1, 8):
        with model_alone():
            packed = compress(content, coding, num_streams=num_streams)
        assert decompress(packed, coding) == content


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16-le", "shift_jis", "utf-8-sig"])
def test_other_encodings_come_back_and_cost_nothing(encoding):
    text = TEXT.replace("\u00e9", "e") if encoding == "shift_jis" else TEXT
    packed = compress(text.encode(encoding), CHAR, encoding=encoding)
    assert decompress(packed, CHAR) == text.encode(encoding)
    assert len(packed) < len(compress(text.encode(), CHAR)) + 30
    damaged = text.encode(encoding)[:-1] + b"\xff\xfe\x00"
    assert decompress(compress(damaged, CHAR, encoding=encoding), CHAR) == damaged


def many_blocks() -> bytes:
    words = TEXT.split(" ")
    order = np.random.default_rng(3).integers(0, len(words), 20_000)
    return " ".join(words[each] for each in order).encode()


@pytest.mark.parametrize("coding", [CHAR, coding_of("char", adapts=True)], ids=["static", "adapting"])
@pytest.mark.parametrize("num_streams", [1, 3])
def test_a_file_of_many_blocks_comes_back(num_streams, coding, monkeypatch):
    monkeypatch.setattr(codec, "BLOCK_BYTES", 4096)
    content = many_blocks()[: 12_000 if coding.adapts else 30_000]
    content = content[:9000] + bytes(range(256)) * 40 + content[9000:]
    assert decompress(compress(content, coding, num_streams=num_streams), coding) == content


@pytest.mark.parametrize("records", ["none", "lines"])
def test_what_comes_again_is_shorter_for_a_model_that_adapts(records):
    words = np.random.default_rng(4).integers(97, 123, (40, 8), dtype=np.uint8)
    content = b"\n".join(bytes(words[each]) for each in np.random.default_rng(5).integers(0, 40, 300))
    static, adapting = (coding_of("byte", records, adapts=adapts) for adapts in (False, True))
    with model_alone():
        assert 2 * len(compress(content, adapting)) < len(compress(content, static))


def test_what_the_model_cannot_shorten_is_packed_without_it():
    noise = np.random.default_rng(1).bytes(5000)
    assert len(compress(noise, CHAR)) < 5000 + 150
    assert len(compress(b"\x80\x81" * 4000, CHAR)) < 200


def test_progress_adds_up_to_the_bytes():
    done = []
    for _ in codec.compressed(
        open_bytes(TEXT.encode() + b"\xff" * 3000), CHAR, encoding="utf-8", num_streams=2, advance=done.append
    ):
        pass
    assert sum(done) == len(TEXT.encode()) + 3000


def open_bytes(content: bytes):
    import io

    return io.BytesIO(content)


def test_parts_end_with_lines_and_never_within_a_character():
    lines = ("h\u00e9n " * 50 + "\n").encode() * 2000
    parts = list(codec._parts(open_bytes(lines), "utf-8"))
    assert b"".join(part.content for part in parts) == lines
    assert all(part.content.endswith(b"\n") and len(part.content) <= BLOCK_BYTES for part in parts)
    one_line = "\u5b57".encode() * 200_000
    parts = list(codec._parts(open_bytes(one_line), "utf-8"))
    assert all(part.is_encoded and set(part.text) == {"\u5b57"} for part in parts)
    assert b"".join(part.content for part in parts) == one_line


def test_what_models_compute_elsewhere_is_told_apart():
    other = coding_of("byte")
    assert codec.probe_of(CHAR, num_streams=1) == codec.probe_of(CHAR, num_streams=1)
    assert codec.probe_of(CHAR, num_streams=1) != codec.probe_of(other, num_streams=1)


@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_is_noticed(place, bit):
    packed = bytearray(compress(TEXT[:400].encode(), CHAR))
    packed[math.floor(place * len(packed))] ^= 1 << bit
    with pytest.raises(UntrustedFileError):
        decompress(bytes(packed), CHAR)


def test_a_file_cut_short_or_made_longer_is_refused():
    packed = compress(TEXT[:400].encode(), CHAR)
    for length in range(len(packed)):
        with pytest.raises(UntrustedFileError):
            decompress(packed[:length], CHAR)
    with pytest.raises(UntrustedFileError, match="goes on after its end"):
        decompress(packed + b"\0", CHAR)


def test_another_model_gives_back_nothing():
    packed = compress(TEXT[:400].encode(), CHAR)
    with pytest.raises(UntrustedFileError):
        decompress(packed, coding_of("byte"))
