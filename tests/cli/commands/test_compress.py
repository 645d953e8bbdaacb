import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import PACKAGE, TEXT
from tests.support.compressing import model_alone


@pytest.fixture
def letter(folder: Path) -> Path:
    path = folder / "letter.txt"
    path.write_text(TEXT)
    for left in folder.glob("*.charlm"):
        left.unlink()
    return path


@pytest.mark.usefixtures("letter")
def test_a_file_is_compressed_and_comes_back(charlm: Any, folder: Path) -> None:
    out, err = charlm("compress", "demo", "letter.txt", "--streams", "2")
    assert out.startswith("letter.txt.charlm: ") and "bits per byte" in out and "checking" in err
    assert charlm("decompress", "letter.txt.charlm", "-o", "back.txt", "--force", "--quiet") == (
        f"back.txt: {len(TEXT):,} bytes\n",
        "",
    )
    assert (folder / "back.txt").read_text() == TEXT


@pytest.mark.usefixtures("letter")
def test_sizes_as_json(charlm: Any, folder: Path) -> None:
    value = json.loads(charlm("compress", "demo", "letter.txt", "-o", "x.charlm", "--json")[0])
    size = (folder / "x.charlm").stat().st_size
    assert value == {
        "run": "demo",
        "file": "letter.txt",
        "output": "x.charlm",
        "bytes": len(TEXT),
        "compressed_bytes": size,
        "bits_per_byte": 8 * size / len(TEXT),
        "lzma_bytes": len(TEXT),
    }
    again = json.loads(charlm("decompress", "x.charlm", "--run", "demo", "--force", "--json")[0])
    del value["lzma_bytes"]
    assert again == value | {"file": "x.charlm", "output": "x"}


def test_what_lzma_made_smaller_is_said(charlm: Any, folder: Path) -> None:
    (folder / "same.txt").write_text("to be\n" * 2000)
    out, _ = charlm("compress", "demo", "same.txt", "--force", "--quiet")
    assert "All of it was packed by LZMA alone" in out and "--adapt counts" in out
    with model_alone():
        out, _ = charlm("compress", "demo", "same.txt", "--force", "--quiet")
    assert "LZMA" not in out and len(out.splitlines()) == 1


@pytest.mark.usefixtures("letter")
def test_a_file_is_written_to_standard_output_without_torch(charlm: Any, folder: Path) -> None:
    charlm("compress", "demo", "letter.txt")
    code = "import sys; from charlm.cli.app import run; code = run(sys.argv[1:]); print('torch' in sys.modules, code)"
    env = {**os.environ, "PYTHONPATH": str(PACKAGE)}
    command = [sys.executable, "-c", code, "decompress", "letter.txt.charlm", "-o", "-"]
    finished = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=True)
    assert finished.stdout == f"{TEXT}False 0\n"


@pytest.mark.usefixtures("letter")
def test_refusals_are_sentences(charlm: Any) -> None:
    charlm("compress", "demo", "letter.txt")
    for command, code, sentence in (
        (("compress", "demo", "letter.txt"), 1, "is there already"),
        (("compress", "demo", "gone.txt"), 1, "No such file"),
        (("compress", "nobody", "letter.txt", "--force"), 1, "There is no run 'nobody'"),
        (("compress", "demo", "letter.txt", "--streams", "0"), 2, "--streams"),
        (("decompress", "letter.txt", "-o", "x", "--force"), 1, "no file that charlm compress wrote"),
        (("decompress", "letter.txt.charlm", "-o", "-", "--json"), 2, "both write to stdout"),
    ):
        out, err = charlm(*command, code=code)
        assert out == "" and sentence in err and err.count("Error") == 1


@pytest.mark.usefixtures("letter")
def test_a_missing_library_is_named(charlm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    for command in (("compress", "demo", "letter.txt"), ("decompress", "letter.txt.charlm")):
        assert "pip install 'charlm[compress]'" in charlm(*command, code=2)[1]
