import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import stdin_of


def test_scoring_the_runs_own_text_and_another(charlm: Any) -> None:
    own = json.loads(charlm("eval", "perplexity", "demo", "--json")[0])
    Path("other.txt").write_text("the lazy dog; " * 5)
    other = json.loads(charlm("eval", "perplexity", "demo", "other.txt", "--json")[0])
    assert other["symbols"] == 69 and own["symbols"] != 69
    assert set(own["baselines"]) == {"uniform", "unigram"}
    out, _ = charlm("eval", "perplexity", "demo", "--split", "valid")
    assert "bits/char" in out and "symbols scored" in out


def test_scoring_int8_weights_shows_their_cost(charlm: Any) -> None:
    value = json.loads(charlm("eval", "perplexity", "demo", "--weights", "int8", "--json")[0])
    plain = json.loads(charlm("eval", "perplexity", "demo", "--json")[0])
    assert value["exact"]["bits_per_character"] == plain["bits_per_character"] and "exact" not in plain
    assert value["bits_per_character"] == pytest.approx(plain["bits_per_character"], abs=0.05)
    assert "int8 weights cost" in charlm("eval", "perplexity", "demo", "--weights", "int8")[0]


def test_scoring_standard_input(charlm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    stdin_of(b"the dog", monkeypatch)
    assert json.loads(charlm("eval", "perplexity", "demo", "-", "--json")[0])["symbols"] == 6


def test_the_symbols_of_a_text_sum_to_its_score(charlm: Any) -> None:
    Path("other.txt").write_text("the lazy dog;\nzebra")
    score = json.loads(charlm("eval", "perplexity", "demo", "other.txt", "--json")[0])
    value = json.loads(charlm("eval", "surprisal", "demo", "other.txt", "--json")[0])
    assert value["score"] == {key: each for key, each in score.items() if key in value["score"]}
    bits = [each["bits"] for each in value["symbols"][1:]]
    assert sum(bits) / len(bits) == pytest.approx(score["bits_per_character"], rel=1e-9)
    assert all(len(each["alternatives"]) == 5 for each in value["symbols"][1:])


def test_the_surprisal_of_standard_input_and_of_a_part(charlm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    stdin_of(b"the dog\nthe x", monkeypatch)
    out, _ = charlm("eval", "surprisal", "demo", "-")
    assert "demo on stdin:" in out and "\nthe dog⏎\n" in out
    assert "symbol" in charlm("eval", "surprisal", "demo", "--split", "valid", "--top", "2")[0]


def test_lines_of_a_text_by_their_bits(charlm: Any) -> None:
    Path("other.txt").write_text("the lazy dog;\nzzqqzzqq\n")
    _, _, _, *rows = charlm("eval", "surprisal", "demo", "other.txt", "--by", "line")[0].splitlines()
    assert [row.split()[2:] for row in rows] == [["2", "zzqqzzqq"], ["1", "the", "lazy", "dog;"]]
    lines = json.loads(charlm("eval", "surprisal", "demo", "other.txt", "--by", "line", "--json")[0])["lines"]
    assert [line["line"] for line in lines] == [2, 1]


def test_a_page_goes_into_a_file_or_to_standard_output(charlm: Any) -> None:
    out, _ = charlm("eval", "surprisal", "demo", "--html", "page.html")
    assert out.startswith("demo on t (test): ") and out.count("\n") == 1
    assert Path("page.html").read_text().startswith("<!doctype html>")
    assert charlm("eval", "surprisal", "demo", "--html", "-")[0] == Path("page.html").read_text()
    _, err = charlm("eval", "surprisal", "demo", "--html", "no-such-folder/page.html", code=1)
    assert "Cannot write" in err


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--by", "line", "--top", "3"], "leave out --top"),
        (["--by", "line", "--html", "page.html"], "leave out --html"),
        (["--html", "-", "--json"], "both write to stdout"),
        (["t.txt", "--split", "test"], "leave out TEXT"),
        (["--encoding", "latin-1"], "give one"),
    ],
)
def test_options_of_surprisal_that_contradict_one_another_are_refused(
    charlm: Any, options: list[str], reason: str
) -> None:
    assert reason in charlm("eval", "surprisal", "demo", *options, code=2)[1]


def test_what_compressors_need_stands_beside_the_score(charlm: Any) -> None:
    plain = json.loads(charlm("eval", "perplexity", "demo", "--json")[0])
    judged = json.loads(charlm("eval", "perplexity", "demo", "--compressors", "--json")[0])
    others = judged.pop("compressors")
    assert judged == plain
    assert others.keys() == {"ppmd-6", "ppmd-16", "xz", "bzip2", "zstd"}
    assert all(each.keys() == plain["baselines"]["unigram"].keys() for each in others.values())
    out, _ = charlm("eval", "perplexity", "demo", "--compressors", "--quiet")
    assert "ppmd-6 (adapts)" in out and "Compressors have read the training text" in out


def test_compressors_need_their_library_and_the_training_text(
    charlm: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("other.txt").write_text("the lazy dog; " * 5)
    text = (folder / "t.txt").read_text()
    (folder / "t.txt").write_text("another text")
    _, err = charlm("eval", "perplexity", "demo", "other.txt", "--compressors", code=1)
    assert "the training text of 'demo'" in err and "has changed" in err and err.count("Error") == 1
    (folder / "t.txt").write_text(text)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert "pip install 'charlm[judges]'" in charlm("eval", "perplexity", "demo", "--compressors", code=2)[1]
