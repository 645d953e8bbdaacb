import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from charlm.cli import app


def test_runs_are_listed(charlm: Any) -> None:
    out, _ = charlm("list")
    assert "demo" in out and "finished" in out
    (row,) = json.loads(charlm("list", "--json")[0])
    assert (row["name"], row["state"], row["step"]) == ("demo", "finished", 4)
    assert set(row["bits_per_character"]) == {"validation", "test"}


def test_no_runs_are_an_empty_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert app.run(["list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert list(tmp_path.iterdir()) == []


def test_list_info_and_verify_load_no_torch(folder: Path) -> None:
    script = (
        "import sys; from charlm.cli.app import run\n"
        "codes = [run(arguments.split()) for arguments in ('list', 'info demo', 'verify demo')]\n"
        "sys.exit(any(codes) or 'torch' in sys.modules)"
    )
    package = Path(app.__file__).parents[2]
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=folder, env={"PYTHONPATH": str(package)}, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("arguments", [["list", "demo"], ["list", "--nothing"], ["info", "a", "b", "c"]])
def test_what_list_does_not_know_is_refused(charlm: Any, arguments: list[str]) -> None:
    out, err = charlm(*arguments, code=2)
    assert out == "" and err.startswith("Error: ") and err.count("\n") == 1


def test_two_runs_are_described_side_by_side(charlm: Any) -> None:
    out, _ = charlm("info", "demo", "demo")
    assert out.count("t.txt") == 2
    both = json.loads(charlm("info", "demo", "checkpoints/demo", "--json")[0])
    assert [each["run"] for each in both] == ["demo", "demo"]


def test_a_misspelt_run_is_answered_with_what_was_meant(charlm: Any) -> None:
    _, err = charlm("info", "dmeo", code=1)
    assert "did you mean 'demo'?" in err
