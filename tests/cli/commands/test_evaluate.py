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
