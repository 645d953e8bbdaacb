"""`charlm info`, and runs that are not there."""

import json
from typing import Any

import pytest


def test_info_describes_a_run(charlm: Any) -> None:
    out, _ = charlm("info", "demo")
    assert "t.txt" in out and "validation" in out
    assert json.loads(charlm("info", "demo", "--json")[0])["run"] == "demo"


@pytest.mark.parametrize("command", [["sample"], ["info"], ["eval", "perplexity"], ["train", "--resume"]])
def test_an_unknown_run_is_one_sentence(charlm: Any, command: list[str]) -> None:
    out, err = charlm(*command, "nobody", code=1)
    assert out == "" and err.startswith("Error: ") and "nobody" in err and err.count("\n") == 1
