import functools
import operator
from pathlib import Path

import pytest

from charlm.config import DataConfig
from charlm.data.examples.source import ExampleSource, hashed
from charlm.data.inputs import open_corpus
from charlm.data.sources import TextSource
from charlm.data.survey import survey
from charlm.errors import DataError
from charlm.runs.reporting import SilentReporter
from tests.support.names import write_names


def text_of(source: TextSource | None) -> str:
    assert isinstance(source, ExampleSource)
    return "".join(source.chunks())


def corpus_of(*files: Path, task: str = "classify", **settings: object):
    data = DataConfig(corpus=tuple(map(str, files)), task=task, **settings)
    return open_corpus(data, folder=Path("data"), stdin=None)


def test_every_example_is_in_one_part_and_equal_inputs_in_the_same(tmp_path: Path) -> None:
    path = write_names(tmp_path / "names.tsv")
    path.write_text(path.read_text() + path.read_text().replace("Southern", "Western"))
    corpus = corpus_of(path)
    parts = [text_of(part).splitlines() for part in (corpus.train, corpus.valid, corpus.test)]
    assert sorted(functools.reduce(operator.iadd, parts, [])) == sorted(set(path.read_text().splitlines()))
    names = [{line.split("\t")[0] for line in part} for part in parts]
    assert names[0].isdisjoint(names[1]) and names[0].isdisjoint(names[2]) and names[1].isdisjoint(names[2])
    assert corpus.split_in_words == "90/5/5 by a hash of what is read, equal rows once"


def test_rows_that_are_repeated_count_once_where_a_file_is_divided(tmp_path: Path) -> None:
    path = write_names(tmp_path / "names.tsv")
    rows = path.read_text().splitlines(keepends=True)
    path.write_text("".join(rows + rows[:300]))
    corpus = corpus_of(path)
    divided = sum(len(text_of(part).splitlines()) for part in (corpus.train, corpus.valid, corpus.test))
    assert divided == len(set(rows))
    assert len(text_of(corpus_of(path, split="100/0/0").train).splitlines()) == len(rows) + 300


def test_sentences_that_are_repeated_all_count(tmp_path: Path) -> None:
    path = tmp_path / "tags.conll"
    path.write_text("a\tX\n\n" * 40)
    data = DataConfig(corpus=(str(path),), task="tag", split="50/25/25")
    corpus = open_corpus(data, folder=Path("data"), stdin=None)
    assert sum(len(text_of(part).splitlines()) for part in (corpus.train, corpus.valid, corpus.test)) == 40


def test_parts_have_about_the_asked_size_whatever_the_order(tmp_path: Path) -> None:
    corpus = corpus_of(write_names(tmp_path / "names.tsv"), split="60/20/20")
    sizes = [len(text_of(part).splitlines()) for part in (corpus.train, corpus.valid, corpus.test)]
    # Three standard deviations of a binomial distribution around 461, 154 and 154 of 768.
    assert sum(sizes) == 768 and abs(sizes[0] - 461) < 41 and abs(sizes[1] - 154) < 33
    for part in (corpus.train, corpus.valid, corpus.test):
        assert {line.split("\t")[1] for line in text_of(part).splitlines()} == {"Northern", "Eastern", "Southern"}


def test_the_hash_is_spread_evenly_and_never_changes() -> None:
    values = [hashed(f"name {number}") for number in range(2000)]
    assert all(0 <= value < 1 for value in values)
    assert sum(values) / 2000 == pytest.approx(0.5, abs=0.02)
    assert hashed("name 1") == values[1]


def test_files_are_told_apart_in_messages_and_may_have_headers(tmp_path: Path) -> None:
    one, other = tmp_path / "one.tsv", tmp_path / "other.tsv"
    one.write_text("text\tlabel\na\tx\n")
    other.write_text("text\tlabel\r\nb\ty\r\n")
    assert text_of(corpus_of(one, other, header=True, split="100/0/0").train) == "a\tx\nb\ty\n"
    other.write_text("b\ty\nbroken\n")
    with pytest.raises(DataError, match=r"other\.tsv', line 2, has no tab"):
        text_of(corpus_of(one, other, split="100/0/0").train)


def test_a_part_without_examples_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "few.tsv"
    path.write_text("a\tx\n")
    with pytest.raises(
        DataError, match="too few examples: the split 90/5/5 by a hash of what is read, equal rows once leaves none"
    ):
        survey(corpus_of(path), records=True, progress=SilentReporter().progress).require_text()


@pytest.mark.parametrize(
    ("settings", "line", "has_swap"),
    [
        ({"task": "classify"}, "a\tx\n", True),
        ({"task": "classify", "layout": "fasttext"}, "__label__x a\n", False),
        ({"task": "tag"}, "a\tx\n\n", False),
    ],
)
def test_swap_is_advised_where_it_is_allowed(tmp_path: Path, settings: dict[str, str], line: str, has_swap: bool):
    path = tmp_path / "few.tsv"
    path.write_text(line)
    with pytest.raises(DataError, match="too few examples") as raised:
        survey(corpus_of(path, **settings), records=True, progress=SilentReporter().progress).require_text()
    assert ("--swap" in str(raised.value)) == has_swap
