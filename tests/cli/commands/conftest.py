"""A workspace with a trained run, and the function that runs a command in it."""

import os
from pathlib import Path
from typing import Any

import pytest

from charlm.cli import app
from tests.support.commands import SMALL, TEXT


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("workspace")
    (folder / "t.txt").write_text(TEXT)
    before = Path.cwd()
    os.chdir(folder)
    try:
        assert app.run(["train", "t.txt", "--name", "demo", "--steps", "4", "--quiet", *SMALL]) == 0
    finally:
        os.chdir(before)
    return folder


@pytest.fixture
def charlm(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    monkeypatch.chdir(folder)

    def run(*arguments: str, code: int = 0) -> tuple[str, str]:
        capsys.readouterr()
        assert app.run(list(arguments)) == code, capsys.readouterr()
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return out, err

    return run
