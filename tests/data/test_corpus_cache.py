"""Corpora that are kept under data/cache: found again, damaged, interrupted."""

import errno
import json
import os

import pytest

from charlm.data.corpus import open_cached
from charlm.data.description import read_description
from charlm.data.tokenizers.build import TokenizerRecipe, extended
from charlm.data.tokenizers.build import given as given_tokenizer
from charlm.data.tokenizers.char import CharTokenizer
from charlm.errors import DataError
from tests.support.corpora import Pieces, counts, decoded, folders, one_text, prepare


def test_the_same_text_is_encoded_once(tmp_path):
    source = Pieces("hello world " * 9)
    first = prepare(one_text(source), tmp_path)
    again = prepare(one_text(source), tmp_path)
    # Short enough to be kept while it is encoded, so that each time it is read once.
    assert source.num_readings == 2
    assert (first.reused, again.reused) == (False, True)
    assert (first.key, first.folder, first.digest, first.tokenizer) == (
        again.key,
        again.folder,
        again.digest,
        again.tokenizer,
    )
    assert counts(first.train) == counts(again.train)
    assert first.folder == tmp_path / "cache" / first.key
    assert folders(tmp_path) == [first.key]


def test_whatever_changes_the_symbols_has_a_place_of_its_own(tmp_path):
    text = "line one\nline two\nline three\n" * 5
    tokenizer = CharTokenizer("abc")
    corpora = [
        prepare(one_text(text), tmp_path),
        prepare(one_text(text + "!"), tmp_path),
        prepare(one_text(text, split=(0.5, 0.25, 0.25)), tmp_path),
        prepare(one_text(text), tmp_path, records=True),
        prepare(one_text(text), tmp_path, kind="byte"),
        prepare(one_text(text), tmp_path, recipe=given_tokenizer(tokenizer)),
        prepare(one_text(text), tmp_path, recipe=extended(tokenizer)),
    ]
    assert len({corpus.key for corpus in corpora}) == len(corpora)
    assert corpora[5].train.num_unknown > 0
    assert corpora[6].train.num_unknown == 0
    assert corpora[6].tokenizer.decode([1, 2, 3]) == "abc"


def test_the_cached_corpus_is_opened_without_its_text(tmp_path):
    made = prepare(one_text("hello world " * 9), tmp_path)
    opened = open_cached(tmp_path, made.key)
    assert opened is not None
    assert decoded(opened, opened.train) == decoded(made, made.train)
    assert (opened.label, opened.split, opened.digest, opened.reused) == ("notes", "60/20/20", made.digest, True)
    assert open_cached(tmp_path, "0" * 32) is None
    assert open_cached(tmp_path / "none", made.key) is None


def cut(path):
    path.write_bytes(path.read_bytes()[:-1])


def change_version(path):
    path.write_text(json.dumps(json.loads(path.read_text()) | {"version": 99}))


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("train.bin", cut),
        ("test.bin", os.unlink),
        ("meta.json", cut),
        ("meta.json", os.unlink),
        ("meta.json", change_version),
        ("meta.json", lambda path: path.write_text("[]")),
        ("meta.json", lambda path: path.write_bytes(b"\xff\x00")),
        ("tokenizer.json", cut),
        ("tokenizer.json", lambda path: path.write_text('{"kind": "byte"}')),
    ],
)
def test_a_damaged_folder_is_made_anew(tmp_path, name, damage):
    made = prepare(one_text("hello world " * 9), tmp_path)
    damage(made.folder / name)
    assert open_cached(tmp_path, made.key) is None
    again = prepare(one_text("hello world " * 9), tmp_path)
    assert not again.reused
    assert decoded(again, again.test) == decoded(made, made.test)
    assert folders(tmp_path) == [made.key]


def test_no_flipped_bit_of_the_description_goes_unnoticed(tmp_path):
    made = prepare(one_text("hello w\u00f6rld " * 9), tmp_path)
    content = (made.folder / "meta.json").read_bytes()
    for place in range(len(content)):
        for bit in range(8):
            flipped = bytearray(content)
            flipped[place] ^= 1 << bit
            try:
                assert read_description(bytes(flipped)) == read_description(content)
            except ValueError:
                continue


def older(path):
    """Makes the description that charlm 0.1.0 would have written."""
    values = json.loads(path.read_text()) | {"version": 2}
    del values["sha256"]
    path.write_text(json.dumps(values))
    return values


def test_a_corpus_that_an_older_version_encoded_is_opened(tmp_path):
    made = prepare(one_text("hello w\u00f6rld " * 9), tmp_path)
    older(made.folder / "meta.json")
    assert open_cached(tmp_path, made.key).test.num_characters == made.test.num_characters


@pytest.mark.parametrize("name", ["num_symbols", "num_characters", "num_bytes", "num_unknown", "num_records"])
def test_counts_of_an_older_version_are_counted_again(tmp_path, name):
    made = prepare(one_text("hello w\u00f6rld " * 9), tmp_path)
    values = older(made.folder / "meta.json")
    values["parts"]["test"][name] += 8
    (made.folder / "meta.json").write_text(json.dumps(values))
    assert open_cached(tmp_path, made.key) is None


def test_a_file_in_the_place_of_the_folder_is_replaced(tmp_path):
    made = prepare(one_text("hello world " * 9), tmp_path / "first")
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / made.key).write_text("what is this")
    assert prepare(one_text("hello world " * 9), tmp_path).key == made.key
    assert open_cached(tmp_path, made.key) is not None


def test_an_encoding_that_is_interrupted_leaves_nothing(tmp_path):
    class Interrupting(CharTokenizer):
        def encode_stream(self, chunks):
            yield self.encode("abc")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(one_text("abc" * 9), tmp_path, recipe=TokenizerRecipe("x", lambda _: Interrupting("abc")))
    assert folders(tmp_path) == []


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path, monkeypatch):
    def fail(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(DataError, match=r"cannot be kept in '.*cache': No space left .* Free some space"):
        prepare(one_text("hello world " * 9), tmp_path)
    assert folders(tmp_path) == []


def test_a_data_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "data").write_text("a file")
    with pytest.raises(DataError, match=r"cannot be kept in '.*data/cache': Not a directory"):
        prepare(one_text("hello world " * 9), tmp_path / "data")
