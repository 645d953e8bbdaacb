"""Text of every kind goes through the whole of charlm: encoded without loss, trained on, scored, and sampled."""

import contextlib
import math
import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from charlm.api import load
from charlm.config import make_request
from charlm.data.corpus import prepare_corpus
from charlm.data.inputs import open_corpus
from charlm.data.tokenizers.build import learnt
from charlm.errors import ConfigError, DataError
from charlm.runs.reporting import SilentReporter, StopRequest
from charlm.runs.train.resume import resume
from charlm.runs.train.start import start

# Every plane, combining marks, both directions, controls, and all that ends a line somewhere.
ODD = (
    "\0\t\n\r\x0b\x0c\x1b\x1c\x1d\x1e\x7f\x85\x9b\xa0\xad\u0300\u0323\u061c"
    "\u200b\u200d\u200e\u2028\u2029\u202e\u2066\ufeff\ufffd\uffff"
)
CHARACTERS = st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from(ODD), st.sampled_from("ab \n"))
TEXTS = st.text(CHARACTERS, min_size=12, max_size=120)


def no_progress(*_):
    return contextlib.nullcontext(lambda _: None)


def request_for(path, **settings):
    sections = {
        "data": {"corpus": (str(path),), "split": "60/20/20"} | settings.pop("data", {}),
        "tokenizer": settings.pop("tokenizer", {}),
        "model": {"hidden_size": 4, "embedding_size": 3, "num_layers": 1},
        "training": {"steps": 2, "evaluations": 1, "batch_size": 3, "sequence_length": 5} | settings,
        "run": {"device": "cpu", "precision": "fp32", "threads": 1},
    }
    return make_request(sections)


def encoded(path, folder, **settings):
    chosen = request_for(path, **settings).config
    text = open_corpus(chosen.data, folder=folder, stdin=None)
    return prepare_corpus(
        text, folder=folder, recipe=learnt(chosen.tokenizer, records=False), records=False, progress=no_progress
    )


def decoded(part, tokenizer):
    return tokenizer.decode(part.tokens.read(0, len(part.tokens)).tolist())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=120)
@given(text=TEXTS, kind=st.sampled_from(["char", "byte"]))
@example(text="\r\n" * 20, kind="char")
@example(text="\ufeff" * 20, kind="byte")
@example(text="e\u0301" * 20, kind="char")
@example(text="\U0010ffff" * 20, kind="char")
def test_every_text_is_encoded_without_loss_and_counted_exactly(tmp_path, text, kind):
    path = tmp_path / "any.txt"
    path.write_bytes(text.encode())
    corpus = encoded(path, tmp_path / "data", tokenizer={"tokenizer": kind})
    parts = [corpus.train, corpus.valid, corpus.test]
    expected = text.removeprefix("\ufeff")
    assert sum(part.num_characters for part in parts) == len(expected)
    assert sum(part.num_bytes for part in parts) == len(expected.encode())
    known = set(expected[: corpus.train.num_characters]) if kind == "char" else set(expected)
    shown = "".join(each if each in known else "\ufffd" for each in expected)
    assert "".join(decoded(part, corpus.tokenizer) for part in parts) == shown


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(text=TEXTS)
@example(text="a" * 40)
@example(text="\n" * 40)
@example(text="\u202e\u0627\u0644" * 14)
def test_every_text_is_trained_on_scored_and_sampled(tmp_path, text):
    path = tmp_path / "any.txt"
    path.write_bytes(text.encode())
    place = load_place(tmp_path)
    result = start(request_for(path), place, SilentReporter(), StopRequest())
    for score in (result.validation, result.test):
        assert math.isfinite(score.total_nats)
        assert score.num_characters > 0
    run = load(result.name, workspace=tmp_path)
    sample = run.sample(length=20, seed=1)
    assert set(sample) <= set(text.removeprefix("\ufeff")) | {"\ufffd"}
    assert unicodedata.normalize("NFC", sample) is not None


def load_place(folder):
    from charlm.runs.stored.workspace import Workspace

    return Workspace(folder)


@pytest.mark.parametrize("length", [*range(11, 40), 63, 64, 65])
def test_sizes_around_every_lane_boundary(tmp_path, length):
    path = tmp_path / "any.txt"
    path.write_text("abcdefghij"[: 1 + length % 7] * length, encoding="utf-8")
    path.write_text(path.read_text()[:length])
    for batch_size in (1, 2, 3, 7, 64):
        result = start(
            request_for(path, batch_size=batch_size, sequence_length=4, epochs=1.5, steps=None),
            load_place(tmp_path),
            SilentReporter(),
            StopRequest(),
        )
        assert math.isfinite(result.validation.total_nats)


@pytest.mark.parametrize("text", ["", "a", "ab", "abc", "\ufeff", "\ufeffa"])
def test_a_text_that_is_too_short_is_said_to_be(tmp_path, text):
    path = tmp_path / "any.txt"
    path.write_bytes(text.encode())
    with pytest.raises(DataError, match=r"is empty|at least 2 characters are needed"):
        start(request_for(path), load_place(tmp_path), SilentReporter(), StopRequest())


def test_a_vocabulary_of_sixty_thousand_characters(tmp_path):
    path = tmp_path / "any.txt"
    characters = [chr(code) for code in range(0x20, 0x11000) if not 0xD800 <= code < 0xE000][:60_000]
    path.write_text("".join(characters), encoding="utf-8", newline="")
    corpus = encoded(path, tmp_path / "data", data={"split": "100/0/0"})
    assert corpus.tokenizer.vocabulary_size == 60_001
    assert decoded(corpus.train, corpus.tokenizer) == "".join(characters)
    result = start(
        request_for(path, data={"split": "99/0.5/0.5"}), load_place(tmp_path), SilentReporter(), StopRequest()
    )
    assert math.isfinite(result.test.total_nats)
    assert len(load(result.name, workspace=tmp_path).sample(length=10, seed=1)) == 10


@pytest.mark.slow
@pytest.mark.parametrize("records", ["none", "lines"])
def test_one_line_of_a_hundred_megabytes(tmp_path, records):
    path = tmp_path / "any.txt"
    with path.open("w") as file:
        for _ in range(100):
            file.write("the cat sat on the mat, and " * 37_450)
        if records == "lines":
            file.write("\na cat\na dog\na hen\n")
    data = {"split": "80/10/10" if records == "none" else "50/25/25", "records": records}
    result = start(request_for(path, data=data), load_place(tmp_path), SilentReporter(), StopRequest())
    assert math.isfinite(result.test.total_nats)


def named_in_bytes(folder, name):
    path = os.fsencode(folder) + b"/" + name
    os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120, pathlib takes no bytes
    with open(path, "wb") as file:  # noqa: PTH123
        file.write(b"the cat sat on the mat. " * 20)
    return os.fsdecode(path)


def test_a_name_that_is_no_utf8_is_refused_and_one_within_a_folder_is_not(tmp_path):
    path = named_in_bytes(tmp_path, b"caf\xe9.txt")
    # Of a long path, as of a folder for tests, the end is not shown.
    with pytest.raises(ConfigError, match=r"^data\.corpus: the name 'caf\?\.txt' is not UTF-8 and cannot be stored"):
        request_for(os.path.basename(path))  # noqa: PTH119
    result = start(request_for(tmp_path), load_place(tmp_path), SilentReporter(), StopRequest())
    assert load(result.name, workspace=tmp_path).name == result.name


def test_a_folder_whose_name_is_no_utf8_is_worked_in(tmp_path, monkeypatch):
    path = named_in_bytes(tmp_path, b"caf\xe9/tale.txt")
    monkeypatch.chdir(os.path.dirname(path))  # noqa: PTH120
    result = start(request_for("."), load_place(Path()), SilentReporter(), StopRequest())
    resume(result.name, load_place(Path()), SilentReporter(), StopRequest(), overrides={"steps": 4})
