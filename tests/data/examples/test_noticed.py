from pathlib import Path

import pytest

from charlm.config import DataConfig
from charlm.data.inputs import open_corpus
from tests.support.names import write_names


def noticed_in(*files: Path, task: str = "classify", **settings: object):
    """What is noticed when each part is read twice."""
    corpus = open_corpus(
        DataConfig(corpus=tuple(map(str, files)), task=task, **settings), folder=Path("data"), stdin=None
    )
    for part in (corpus.train, corpus.valid, corpus.test) * 2:
        if part is not None:
            assert "".join(part.chunks()) or part is not corpus.train
    return corpus.noticed


def with_header(path: Path, header: str) -> Path:
    write_names(path)
    path.write_text(f"{header}\n{path.read_text()}")
    return path


def test_a_header_that_is_read_as_an_example_is_named_once(tmp_path: Path) -> None:
    noticed = noticed_in(with_header(tmp_path / "names.tsv", "Name\tspoken_in"))
    (sentence,) = noticed.warnings()
    assert sentence.startswith(f"The first line of '{tmp_path / 'names.tsv'}' looks like names of columns, ")
    assert sentence.endswith("is read as an example; if it is none, add --header.")


def test_no_header_is_noticed_where_there_is_none(tmp_path: Path) -> None:
    path = tmp_path / "names.tsv"
    assert list(noticed_in(with_header(path, "name\tlanguage"), header=True).warnings()) == []
    # A name as good as any; two words; a label that other rows have, too.
    for first in ("Barlowe\tNorthern", "a name\tlanguage", "name\tNorthern"):
        with_header(path, first)
        assert ("Northern\n" in path.read_text()) and list(noticed_in(path).warnings()) == []


@pytest.mark.parametrize(("task", "settings"), [("generate", {}), ("classify", {"swap": True})])
def test_the_label_of_a_header_is_on_the_side_of_the_labels(tmp_path: Path, task: str, settings: dict) -> None:
    path = tmp_path / "swapped.tsv"
    rows = [f"{'odd' if number % 2 else 'even'}\ttext {number}" for number in range(40)]
    path.write_text("\n".join(["label\ttext", *rows, "odd\ttext"]))
    assert list(noticed_in(path, task=task, **settings).warnings()) != []
    path.write_text("\n".join(["label\ttext", *rows, "label\tmuch"]))
    assert list(noticed_in(path, task=task, **settings).warnings()) == []


def test_headers_of_several_files_of_sentences_are_one_warning(tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        (tmp_path / f"{name}.conll").write_text("word pos\n" + "a X\nb Y\n\n" * 30)
    (sentence,) = noticed_in(tmp_path / "*.conll", task="tag").warnings()
    assert "' and of 2 other files looks like" in sentence


def test_rows_that_are_left_out_are_counted(tmp_path: Path) -> None:
    path = write_names(tmp_path / "names.tsv")
    rows = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*rows, *rows[:7], rows[0]]))
    assert list(noticed_in(path).notes()) == ["8 rows equal to others left out."]
    assert list(noticed_in(path, split="100/0/0").notes()) == []
