import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from charlm.data.catalog import CorpusEntry, corpus_folder, entries, fetch, is_fetched, require
from charlm.data.downloading import RemoteText
from charlm.errors import DataError
from charlm.notation import parse_split

MakeRemote = Callable[..., RemoteText]


@pytest.mark.parametrize("entry", entries().values(), ids=lambda entry: entry.name)
def test_an_entry_is_complete_and_consistent(entry: CorpusEntry) -> None:
    assert require(entry.name) == entry
    assert re.fullmatch(r"[a-z0-9-]+", entry.name)
    for file in entry.files:
        assert re.fullmatch(r"[0-9a-f]{64}", file.sha256)
        assert re.fullmatch(r"[0-9a-f]{64}", file.download_sha256)
        assert file.name != file.download_name
        assert file.url.startswith(("http://", "https://"))
    if entry.split_bytes is not None:
        assert sum(entry.split_bytes) == entry.size_bytes
    elif entry.split is not None:
        assert len(parse_split(entry.split)) == 3
    assert len(entry.files) == (3 if entry.split is None and entry.split_bytes is None else 1)


def test_penn_treebank_has_the_canonical_symbol_counts() -> None:
    entry = require("ptb-char")
    assert [file.size_bytes for file in entry.files] == [5_017_482, 393_042, 442_423]
    assert [file.name for file in entry.files] == ["train.txt", "valid.txt", "test.txt"]
    # Two spaces less for each of 42,068, 3,370 and 3,761 lines.
    lost = [file.download_bytes - file.size_bytes for file in entry.files]
    assert lost == [2 * 42_068, 2 * 3_370, 2 * 3_761]


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("tiny-shakespeare", "90/10/0 %"),
        ("enwik8", "90,000,000 / 5,000,000 / 5,000,000 bytes"),
        ("ptb-char", "separate files"),
    ],
)
def test_the_usual_split_is_put_in_words(name: str, split: str) -> None:
    assert require(name).usual_split == split


def test_an_unknown_name_is_refused_with_a_near_one() -> None:
    with pytest.raises(DataError, match=r"No corpus 'enwiki8' in the catalogue; did you mean 'enwik8'?"):
        require("enwiki8")
    with pytest.raises(DataError, match=r"there are tiny-shakespeare, ptb-char, enwik8, text8"):
        require("zzz")


def test_a_built_in_text_needs_no_fetching() -> None:
    with pytest.raises(DataError, match=r"needs no fetching: charlm train builtin:sums --task transduce$"):
        require("builtin:sums")
    with pytest.raises(DataError, match="'builtin:python-docs' is part of this Python and needs no fetching"):
        require("builtin:python-docs")


def test_fetching_gets_every_file_once(remote: MakeRemote, server: Any, tmp_path: Path) -> None:
    files = tuple(remote(name, text, text, file=f"raw.{name}") for name, text in (("a", b"AA"), ("b", b"BBB")))
    entry = replace(require("ptb-char"), name="two", files=files)
    told: list[int] = []
    assert not is_fetched(entry, tmp_path)
    assert fetch(entry, folder=tmp_path, progress=told.append) == tmp_path / "corpora" / "two"
    assert is_fetched(entry, tmp_path)
    assert (sum(told), entry.download_bytes, entry.size_bytes) == (5, 5, 5)
    fetch(entry, folder=tmp_path, progress=told.append)
    assert server.asked == ["raw.a", "raw.b"]


def test_a_text_of_another_size_is_not_taken_as_fetched(tmp_path: Path) -> None:
    entry = require("tiny-shakespeare")
    place = corpus_folder(entry, tmp_path)
    place.mkdir(parents=True)
    (place / "tinyshakespeare.txt").write_text("To be")
    assert not is_fetched(entry, tmp_path)
