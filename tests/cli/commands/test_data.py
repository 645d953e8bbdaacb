import json
from pathlib import Path
from typing import Any


def test_the_list_of_corpora(charlm: Any) -> None:
    out, _ = charlm("data", "list")
    assert "tiny-shakespeare" in out and "builtin:python-docs" in out
    assert {"name", "state", "licence"} <= set(json.loads(charlm("data", "list", "--json")[0])[0])


def test_showing_and_preparing_a_text(charlm: Any) -> None:
    out, _ = charlm("data", "show", "t.txt", "--characters", "9")
    assert "1,800 characters" in out and out.endswith("\n  the quick\n")
    out, _ = charlm("data", "prepare", "t.txt", "--tokenizer", "byte")
    assert "t" in out


def test_an_empty_text_is_refused(charlm: Any, folder: Path) -> None:
    (folder / "empty.txt").touch()
    for command in (["data", "show"], ["data", "prepare"]):
        assert "Error: 'empty' is empty; give another text." in charlm(*command, "empty.txt", code=1)[1]


def test_a_missing_text_is_one_sentence(charlm: Any) -> None:
    for command in (["train", "none.txt"], ["data", "show", "none.txt"], ["eval", "perplexity", "demo", "none.txt"]):
        out, err = charlm(*command, code=1)
        assert out == "" and "none.txt" in err and err.count("Error:") == 1
