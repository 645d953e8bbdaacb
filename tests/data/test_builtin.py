import pydoc_data.topics
import sys
import sysconfig
from pathlib import Path

import pytest

from charlm.data.builtin import BUILTINS, open_builtin
from charlm.errors import DataError


def text_of(spec: str) -> str:
    return "".join(open_builtin(spec).chunks())


def test_the_docs_are_all_topics_in_the_order_of_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pydoc_data.topics, "topics", {"while": "W\n", "assert": " A "})
    assert text_of("builtin:python-docs") == " A \n\nW\n"


def test_the_docs_of_this_python_are_real_prose() -> None:
    source = open_builtin("builtin:python-docs")
    assert source.label == "python-docs"
    assert len("".join(source.chunks())) > 300_000


def test_missing_docs_are_refused_with_an_alternative(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pydoc_data.topics", None)
    with pytest.raises(DataError, match=r"has no 'pydoc_data'.*use 'builtin:python-source'"):
        open_builtin("builtin:python-docs")


def fake_library(monkeypatch: pytest.MonkeyPatch, folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(folder))


def test_the_source_is_the_library_in_order_without_tests_and_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The library itself may lie in a folder with one of the names that are left out.
    files = {
        "b.py": b"b\n",
        "a/z.py": b"az\n",
        "a/test/test_z.py": b"no\n",
        "a/readme.txt": b"no\n",
        "site-packages/x.py": b"no\n",
        "idlelib/idle_test/t.py": b"no\n",
        "lib2to3/bad.py": b"no\n",
        "latin.py": "# é\n".encode("latin-1"),
    }
    fake_library(monkeypatch, tmp_path / "test", files)
    assert text_of("builtin:python-source") == "az\nb\n"


def test_a_python_without_sources_is_refused_with_an_alternative(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_library(monkeypatch, tmp_path, {})
    with pytest.raises(DataError, match=r"has no source files.*use 'builtin:python-docs'"):
        open_builtin("builtin:python-source")


def test_an_unknown_built_in_is_refused_with_those_there_are() -> None:
    with pytest.raises(DataError, match=r"No built-in text 'builtin:x'; there are builtin:python-docs, builtin:py"):
        open_builtin("builtin:x")
    names = ("python-docs", "python-source", "python-tokens", "unicode-names", "sums")
    assert tuple(BUILTINS) == tuple(f"builtin:{name}" for name in names)


def test_examples_are_for_their_tasks() -> None:
    sums = "".join(open_builtin("builtin:sums", task="transduce").chunks()).splitlines()
    assert len(set(sums)) == 50_000
    for line in sums[:100]:
        read, said = line.split("\t")
        assert sum(map(int, read.split("+"))) == int(said)
    names = "".join(open_builtin("builtin:unicode-names", task="classify").chunks()).splitlines()
    assert "LATIN SMALL LETTER A\tLl" in names and "SPACE\tZs" in names
    with pytest.raises(DataError, match="'builtin:sums' has examples, for: charlm train builtin:sums --task transduce"):
        open_builtin("builtin:sums")
    with pytest.raises(DataError, match="'builtin:python-docs' is to be read without --task"):
        open_builtin("builtin:python-docs", task="tag")
