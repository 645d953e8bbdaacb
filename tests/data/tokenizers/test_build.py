import base64
import functools
import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charlm.config import TokenizerConfig
from charlm.data.layout import as_pieces
from charlm.data.tokenizers.build import fingerprint, from_json, train_tokenizer
from charlm.data.tokenizers.char import CharTokenizer
from charlm.errors import CheckpointError, DataError

WORDS = [first + last for first in ("the", "cat", "sing", "rest", "naïv") for last in ("", "s", "ing", "re", "ly", "é")]
TEXT = "".join(f"the {first}, the {second}\nthe  {first}\n" for first in WORDS for second in WORDS[::5])
KINDS = ("char", "byte", "sentencepiece")


def train(kind, text=TEXT, *, records=False, size=300):
    chunks = as_pieces([text[start : start + 11] for start in range(0, len(text), 11)], records=records)
    return train_tokenizer(TokenizerConfig(tokenizer=kind, vocabulary_size=size), chunks, records=records)


@pytest.fixture(scope="module", params=[(kind, records) for kind in KINDS for records in (False, True)], ids=str)
def tokenizer(request):
    kind, records = request.param
    return train(kind, records=records)


@settings(deadline=None, max_examples=50)
@given(texts=st.lists(st.text(max_size=9)))
def test_many_texts_have_the_symbols_of_each(tokenizer, texts):
    tokens, lengths = tokenizer.encode_each(texts)
    each = [tokenizer.encode(text).tolist() for text in texts]
    assert tokens.tolist() == [token for part in each for token in part]
    assert lengths.tolist() == [len(part) for part in each]
    assert tokens.dtype == tokenizer.encode("").dtype


@settings(deadline=None, max_examples=50)
@given(text=st.text(), sizes=st.lists(st.integers(1, 7), min_size=1))
def test_a_stream_has_the_symbols_of_the_whole(tokenizer, text, sizes):
    chunks, start = [], 0
    while start < len(text):
        size = sizes[len(chunks) % len(sizes)]
        chunks.append(text[start : start + size])
        start += size
    streamed = np.concatenate([*tokenizer.encode_stream(chunks), tokenizer.encode("")])
    whole = tokenizer.encode(text)
    assert streamed.tolist() == whole.tolist()
    assert streamed.dtype == whole.dtype == np.min_scalar_type(tokenizer.vocabulary_size - 1)


@settings(deadline=None, max_examples=50)
@given(data=st.data())
def test_symbols_decoded_one_by_one_make_the_same_text_whatever_they_are(tokenizer, data):
    tokens = data.draw(st.lists(st.integers(0, tokenizer.vocabulary_size - 1)))
    decoder = tokenizer.decoder()
    shown = [decoder.feed(token) for token in tokens]
    assert "".join(shown) + decoder.finish() == tokenizer.decode(tokens)


@settings(deadline=None, max_examples=50)
@given(text=st.text())
def test_characters_and_bytes_add_up_to_those_of_the_text(tokenizer, text):
    text += "\n"
    known = tokenizer.extend(tokenizer.unknown_characters(text))
    tokens = known.encode(text)
    decoded = known.decode(tokens)
    if tokenizer.begin is None:
        assert decoded == text
    assert known.symbol_characters[tokens].sum() == len(decoded)
    assert known.symbol_bytes[tokens].sum() == len(decoded.encode())


def test_a_prompt_has_the_symbols_of_a_text_that_begins_so(tokenizer):
    prompt = tokenizer.encode_prompt("the cats").tolist()
    assert prompt == tokenizer.encode("the cats").tolist()[: len(prompt)]


def test_every_symbol_has_a_name_and_a_size(tokenizer):
    size = tokenizer.vocabulary_size
    names = [tokenizer.symbol_name(token) for token in range(size)]
    assert len(set(names)) == size
    assert all(name.isprintable() for name in names)
    assert tokenizer.symbol_characters.shape == tokenizer.symbol_bytes.shape == (size,)


def test_json_rebuilds_an_equal_tokenizer(tokenizer):
    again = from_json(json.loads(json.dumps(tokenizer.to_json())))
    assert again == tokenizer
    assert hash(again) == hash(tokenizer)
    assert again.encode(TEXT).tolist() == tokenizer.encode(TEXT).tolist()
    assert fingerprint(again) == fingerprint(tokenizer)


def test_different_tokenizers_have_different_fingerprints():
    tokenizers = [train(kind, records=records) for kind in KINDS for records in (False, True)]
    tokenizers += [train("char", TEXT + "!"), train("sentencepiece", size=280)]
    assert len({fingerprint(tokenizer) for tokenizer in tokenizers}) == len(tokenizers)
    assert all(first != second for first in tokenizers for second in tokenizers if first is not second)


def test_characters_are_sorted_by_code_point():
    assert train("char", "b\U0001f600aé\nb") == CharTokenizer("\nabé\U0001f600")


def test_with_records_line_ends_are_no_characters():
    assert train("char", "b\r\na\n\rc", records=True).to_json()["inner"] == {"kind": "char", "characters": "\rabc"}
    assert train("char", "b\r\na\r\n", records=True).to_json()["inner"] == {"kind": "char", "characters": "ab"}


def test_a_line_end_is_the_symbol_of_a_line_feed_or_of_the_end_of_records():
    assert train("char", "b\na").line_end == train("char", "b\na").encode("\n")[0]
    assert train("char", "ba").line_end is None
    assert train("byte").line_end == ord("\n")
    for kind in KINDS:
        records = train(kind, records=True)
        assert records.line_end == records.end


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("chunks", "records"), [([], False), (["", ""], False), (["\n", "\r\n"], True), ([], True)])
def test_an_empty_text_is_refused(kind, chunks, records):
    with pytest.raises(DataError, match="empty"):
        train_tokenizer(TokenizerConfig(tokenizer=kind), as_pieces(chunks, records=records), records=records)


def test_bytes_need_no_reading_of_the_text():
    def chunks():
        yield "a"
        raise AssertionError

    assert train_tokenizer(TokenizerConfig(tokenizer="byte"), chunks(), records=False).vocabulary_size == 256


def test_a_lone_surrogate_in_the_training_text_is_refused():
    with pytest.raises(DataError, match=r"U\+D800"):
        train("char", "a\ud800")


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (None, "None and no table"),
        ([], "no table"),
        (functools.reduce(lambda inner, _: [inner], range(100_000), []), "no table"),
        ({"kind": "word" * 10_000}, "kind 'word"),
        (dict.fromkeys(map(str, range(10_000))), "entries"),
        ("char", "no table"),
        ({}, "kind None"),
        ({"kind": "word", "words": ["a"]}, "'word'"),
        ({"kind": ["char"], "characters": "a"}, "char"),
        ({"kind": "char"}, "'char'"),
        ({"kind": "char", "characters": ["a"]}, "'char'"),
        ({"kind": "char", "characters": "a", "more": 1}, "more"),
        ({"kind": "char", "characters": "aa"}, "not distinct"),
        ({"kind": "char", "characters": "a" * 0x110000}, "not distinct"),
        ({"kind": "char", "characters": "a\ud800"}, "surrogate"),
        ({"kind": "byte", "size": 256}, "'byte'"),
        ({"kind": "sentencepiece", "model": 1}, "'sentencepiece'"),
        ({"kind": "sentencepiece", "model": ""}, "sentencepiece model"),
        ({"kind": "sentencepiece", "model": "ü"}, "sentencepiece model"),
        ({"kind": "sentencepiece", "model": "bm9pc2U="}, "sentencepiece model"),
        ({"kind": "sentencepiece", "model": "bm9p c2U"}, "sentencepiece model"),
        ({"kind": "records"}, "'records'"),
        ({"kind": "records", "inner": None}, "no table"),
        ({"kind": "records", "inner": {"kind": "records", "inner": {"kind": "byte"}}}, "'records'"),
    ],
)
def test_what_is_no_tokenizer_is_refused_in_one_sentence(data, problem):
    with pytest.raises(CheckpointError, match=problem) as caught:
        from_json(data)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


@settings(deadline=None, max_examples=100)
@given(
    st.recursive(
        st.none() | st.integers() | st.text() | st.floats(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
    | st.fixed_dictionaries(
        {"kind": st.sampled_from(["char", "byte", "sentencepiece", "records", 1])},
        optional={"characters": st.text() | st.integers(), "model": st.binary(), "inner": st.none() | st.text()},
    )
)
def test_noise_is_refused_or_makes_a_tokenizer(data):
    try:
        tokenizer = from_json(data)
    except CheckpointError:
        return
    assert tokenizer.to_json() == data


def test_a_damaged_sentencepiece_model_is_refused_or_still_lossless():
    model = bytearray(base64.b64decode(train("sentencepiece").to_json()["model"]))
    rng = np.random.default_rng(1)
    refused = 0
    for place, byte in zip(rng.integers(0, len(model), 200), rng.integers(0, 256, 200), strict=True):
        damaged = bytearray(model)
        damaged[place] = byte
        try:
            tokenizer = from_json({"kind": "sentencepiece", "model": base64.b64encode(bytes(damaged)).decode()})
        except CheckpointError:
            refused += 1
        else:
            tokenizer.encode(TEXT)
    assert refused > 0


@pytest.mark.parametrize("length", [0, 1, 100, 1000])
def test_a_truncated_sentencepiece_model_is_refused(length):
    model = base64.b64decode(train("sentencepiece").to_json()["model"])[:length]
    with pytest.raises(CheckpointError, match="sentencepiece model"):
        from_json({"kind": "sentencepiece", "model": base64.b64encode(model).decode()})


def test_sentencepiece_is_loaded_only_when_it_is_used():
    code = "import charlm.data.tokenizers.build, sys; sys.exit('sentencepiece' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
