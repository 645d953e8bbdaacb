import gzip
import io
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from charlm.config import DataConfig
from charlm.data.catalog import CorpusEntry
from charlm.data.downloading import RemoteText
from charlm.data.inputs import CorpusText, open_corpus, open_text
from charlm.data.sources import TextSource
from charlm.errors import ConfigError, DataError


@pytest.fixture(autouse=True)
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def opened(*corpus: str, stdin: io.BytesIO | None = None, **settings: Any) -> CorpusText:
    return open_corpus(DataConfig(corpus=corpus, **settings), folder=Path("data"), stdin=stdin)


def text_of(source: TextSource | None) -> str:
    assert source is not None
    return "".join(source.chunks())


def write(name: str, text: str | bytes) -> None:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


def entry(name: str, *texts: bytes, split: str | None = None, cuts: tuple[int, int, int] | None = None) -> CorpusEntry:
    """Returns a corpus whose texts are already in data/."""
    files = []
    for number, text in enumerate(texts):
        write(f"data/corpora/{name}/{number}.txt", text)
        files.append(RemoteText(f"{number}.txt", len(text), "", "http://none/", 1, ""))
    return CorpusEntry(name, "", "", tuple(files), split, cuts)


def known(monkeypatch: pytest.MonkeyPatch, entry: CorpusEntry) -> None:
    monkeypatch.setattr("charlm.data.inputs.entries", lambda: {entry.name: entry})


def test_a_file_is_split_as_usual() -> None:
    write("x/play.txt", "To be")
    corpus = opened("x/play.txt")
    assert (corpus.label, corpus.split, corpus.notes) == ("play", (0.9, 0.05, 0.05), ())
    assert text_of(corpus.train) == "To be"
    assert corpus.valid is None
    assert corpus.test is None


def test_a_split_can_be_chosen() -> None:
    write("play.txt", "To be")
    assert opened("play.txt", split="80/20/0").split == (0.8, 0.2, 0.0)


def test_parts_of_their_own_are_not_split() -> None:
    for name in ("a", "b", "c"):
        write(f"{name}.txt", name)
    corpus = opened("a.txt", valid=("b.txt",), test=("c.txt", "a.txt"))
    assert corpus.split is None
    assert [text_of(part) for part in (corpus.train, corpus.valid, corpus.test)] == ["a", "b", "ca"]
    assert opened("a.txt", valid=("b.txt",)).test is None


def test_several_inputs_are_one_text_in_the_order_given() -> None:
    write("b.txt", "b")
    write("shelf/a.txt", "a")
    write("shelf/c.txt.gz", gzip.compress(b"c"))
    corpus = opened("b.txt", "shelf", "b.txt", "shelf/*.txt")
    assert text_of(corpus.train) == "bacba"
    assert corpus.label == "b and 3 more"


@pytest.mark.parametrize(
    ("spec", "label"),
    [
        ("shelf", "shelf"),
        ("shelf/", "shelf"),
        (".", "test_a_label_"),
        ("shelf/*.txt", "shelf"),
        ("shelf/**/*.txt", "shelf"),
        ("*/a.txt", "texts"),
        ("*.txt", "texts"),
        ("shelf/a.txt", "a"),
    ],
)
def test_a_label_names_the_file_or_folder(spec: str, label: str) -> None:
    write("shelf/a.txt", "a")
    write("b.txt", "b")
    assert opened(spec).label.startswith(label)


def test_settings_apply_to_every_part() -> None:
    write("a.txt", b"e\xcc\x81\r\n")
    corpus = opened("a.txt", valid=("a.txt",), newlines="lf", normalize="nfc")
    assert text_of(corpus.train) == text_of(corpus.valid) == "é\n"


def test_stdin_is_read_once_and_can_be_gone_through_twice() -> None:
    corpus = opened("-", stdin=io.BytesIO(b"piped"))
    assert corpus.label == "stdin"
    assert text_of(corpus.train) == text_of(corpus.train) == "piped"


class _Terminal(io.BytesIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("stdin", [None, _Terminal()])
def test_stdin_without_a_pipe_is_refused_rather_than_waited_for(stdin: io.BytesIO | None) -> None:
    with pytest.raises(DataError, match=r"'-' reads the text from stdin, but nothing is piped in"):
        opened("-", stdin=stdin)


def test_a_named_pipe_can_be_gone_through_twice() -> None:
    os.mkfifo("pipe")
    writer = threading.Thread(target=Path("pipe").write_bytes, args=(b"through a pipe",))
    writer.start()
    corpus = opened("pipe")
    writer.join()
    assert corpus.label == "pipe"
    assert text_of(corpus.train) == text_of(corpus.train) == "through a pipe"


def test_a_built_in_text_is_opened_by_name() -> None:
    corpus = opened("builtin:python-docs", encoding="latin-1")
    assert (corpus.label, corpus.split) == ("python-docs", (0.9, 0.05, 0.05))
    assert len(text_of(corpus.train)) > 300_000


def test_a_corpus_that_was_not_fetched_says_how_to() -> None:
    with pytest.raises(DataError, match=r"'enwik8' is not in 'data' yet; run: charlm data fetch enwik8"):
        opened("enwik8")


def test_a_path_that_exists_goes_before_the_catalogue() -> None:
    write("enwik8", "my own")
    assert text_of(opened("enwik8").train) == "my own"


def test_a_corpus_with_a_usual_percentage_is_split_by_it(monkeypatch: pytest.MonkeyPatch) -> None:
    known(monkeypatch, entry("tiny", b"0123456789", split="60/40/0"))
    corpus = opened("tiny")
    assert (corpus.label, corpus.split, text_of(corpus.train)) == ("tiny", (0.6, 0.4, 0.0), "0123456789")


def test_a_corpus_with_usual_byte_counts_is_cut_at_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    known(monkeypatch, entry("wiki", "aé€bc".encode(), cuts=(2, 3, 3)))  # bytes: a 0, é 1-2, € 3-5, b 6, c 7
    corpus = opened("wiki")
    assert corpus.split is None
    assert [text_of(part) for part in (corpus.train, corpus.valid, corpus.test)] == ["aé", "€", "bc"]


def test_a_corpus_read_as_latin_1_has_one_symbol_a_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    known(monkeypatch, entry("wiki", "aé€bc".encode(), cuts=(2, 3, 3)))
    corpus = opened("wiki", encoding="latin-1")
    assert [len(text_of(part)) for part in (corpus.train, corpus.valid, corpus.test)] == [2, 3, 3]


def test_a_corpus_of_three_files_is_used_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    known(monkeypatch, entry("ptb", b"train", b"valid", b"test"))
    corpus = opened("ptb")
    assert corpus.split is None
    assert [text_of(part) for part in (corpus.train, corpus.valid, corpus.test)] == ["train", "valid", "test"]


def test_a_chosen_split_goes_before_the_usual_one(monkeypatch: pytest.MonkeyPatch) -> None:
    known(monkeypatch, entry("ptb", b"train", b"valid", b"test"))
    corpus = opened("ptb", split="80/10/10")
    assert (corpus.split, text_of(corpus.train)) == ((0.8, 0.1, 0.1), "trainvalidtest")


def test_a_detected_encoding_is_noted() -> None:
    russian = "Все счастливые семьи похожи друг на друга. " * 30
    for name in ("a", "b"):
        write(f"{name}.txt", russian.encode("koi8-r"))
    write("c.txt", "plain")
    corpus = opened("a.txt", "b.txt", "c.txt", encoding="auto")
    assert corpus.notes == (
        "Detected encoding koi8-r in 'a.txt' and 1 more; if characters look wrong, name it with --encoding.",
        "Detected encoding utf-8 in 'c.txt'.",
    )
    assert text_of(corpus.train) == russian * 2 + "plain"


def test_an_unknown_encoding_is_a_wrong_setting() -> None:
    write("a.txt", "a")
    with pytest.raises(ConfigError, match=r"encoding 'utf-9' is not a text encoding"):
        opened("a.txt", encoding="utf-9")


def test_a_missing_input_may_be_a_misspelt_corpus() -> None:
    with pytest.raises(DataError, match=r"'tinyshakespeare'; did you mean 'tiny-shakespeare'?"):
        opened("tinyshakespeare")


def test_another_text_is_opened_with_the_same_settings() -> None:
    write("a.txt", "a\r\n")
    data = DataConfig(corpus=("gone.txt",), newlines="lf")
    source, notes = open_text(("a.txt", "-"), data=data, folder=Path("data"), stdin=io.BytesIO(b"b\r"))
    assert (text_of(source), source.label, notes) == ("a\nb\n", "a and 1 more", ())
