"""Every run that an older charlm made goes on loading, scoring, sampling and resuming.

The runs of charlm 0.1.0 lie in tests/fixtures, one or more of each kind: every cell, mixed, on trial, records, all
tokenizers, interrupted, planned anew, rolled back. Beside them stands what 0.1.0 made of them.
"""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from charlm.cli.app import run

FIXTURES = Path(__file__).parents[2] / "fixtures"
FOUND: dict[str, Any] = json.loads((FIXTURES / "charlm-0.1.0.json").read_text())["runs"]
OFTEN = {"lstm", "mixed", "records", "replanned", "interrupted", "trial-interrupted", "trial-lost"}
RESUMABLE = [
    pytest.param(name, marks=[] if name in OFTEN else pytest.mark.slow)
    for name, found in FOUND.items()
    if "resumed" in found
]
BY_CHANCE = {"patient": {"steps"}, "trial-interrupted": {"steps", "total_steps", "validation", "test", "parameters"}}
"""What follows from the last bits, or from the time that a budget leaves."""


@pytest.fixture
def older_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    with zipfile.ZipFile(FIXTURES / "charlm-0.1.0.zip") as archive:
        archive.extractall(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def answer(command: str, capsys: pytest.CaptureFixture[str]) -> Any:
    code = run(command.split())
    printed = capsys.readouterr()
    assert code == 0, printed.err
    return json.loads(printed.out)


def different(expected: Any, found: Any) -> list[str]:
    """Returns the keys whose values differ by more than arithmetic does on another machine."""
    if isinstance(expected, dict):
        return [f"{key}/{each}" for key in expected for each in different(expected[key], found.get(key))]
    if isinstance(expected, float):
        return [] if found == pytest.approx(expected, rel=5e-3) else [f"{expected} is {found}"]
    return [] if expected == found else [f"{expected} is {found}"]


@pytest.mark.parametrize("name", FOUND)
def test_is_scored_sampled_and_described_as_before(
    name: str, older_runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if "score" in FOUND[name]:
        text = "text.txt" if name == "unsplit" else ""
        scored = answer(f"eval perplexity {name} {text} --json --quiet", capsys)
        assert not different(FOUND[name]["score"], scored)
        drawn = answer(f"sample {name} --seed 1 --length 40 --json", capsys)
        assert drawn[0]["text"][:8] == FOUND[name]["sample"][:8]
    assert answer(f"info {name} --json", capsys)["run"] == name
    assert answer(f"verify {name} --json", capsys)["whole"]


@pytest.mark.parametrize("name", RESUMABLE)
def test_goes_on_to_the_same_end(name: str, older_runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = answer(f"train --resume {name} {FOUND[name]['resumed with']} --json --quiet", capsys)
    left_out = {"sample"} | BY_CHANCE.get(name, set())
    expected = {key: value for key, value in FOUND[name]["resumed"].items() if key not in left_out}
    assert not different(expected, result)
    assert answer(f"verify {name} --json", capsys)["whole"]
