import tracemalloc

import pytest

from charlm.files.errors import UntrustedFileError
from charlm.files.parsing import parse_json, parse_toml


@pytest.mark.parametrize("content", [b"[" * 100_000, b"{", b"\xff", b"9" * 10_000, b"", b"[" * 300_000, b"[[],[],"])
def test_what_is_no_json_is_refused(content):
    with pytest.raises(UntrustedFileError):
        parse_json(content)


def test_json_of_few_bytes_and_many_objects_is_refused_before_it_takes_memory():
    content = b"[" + b",".join([b"{}"] * 1_000_000) + b"]"
    tracemalloc.start()
    with pytest.raises(UntrustedFileError, match="parts"):
        parse_json(content)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 20


def test_json_is_json():
    assert parse_json('{"é": [1, null, "\\ud83d\\ude00"]}'.encode()) == {"é": [1, None, "😀"]}


@pytest.mark.parametrize("content", [b"a", b"\xff", b"a = " + b"[" * 60 + b"]" * 60, b"a" + b".a" * 2000 + b" = 1"])
def test_what_is_no_toml_is_refused(content):
    with pytest.raises(UntrustedFileError):
        parse_toml(content)


def test_toml_is_toml():
    assert parse_toml('[a.b]\nc = ["é", 1]'.encode()) == {"a": {"b": {"c": ["é", 1]}}}
