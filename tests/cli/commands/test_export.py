"""Where `charlm export` writes: into a file, a device, a pipe, or standard output."""

import importlib.util
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import PACKAGE

needs_devices = pytest.mark.skipif(os.name == "nt", reason="needs devices and named pipes")


@pytest.fixture
def counted(charlm: Any, folder: Path) -> bytes:
    """The ARPA file of the run `counted`."""
    if not (folder / "checkpoints" / "counted").exists():
        charlm("train", "t.txt", "--model", "ngram", "--order", "3", "--name", "counted", "--quiet")
    assert charlm("export", "arpa", "counted", "--force") == ("counted.arpa\n", "")
    return (folder / "counted.arpa").read_bytes()


def export(
    folder: Path, output: str, *, command: tuple[str, ...] = ("arpa", "counted"), **streams: Any
) -> subprocess.CompletedProcess[bytes]:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join((str(PACKAGE), os.environ.get("PYTHONPATH", "")))}
    command = (sys.executable, "-m", "charlm", "export", *command, "-o", output)
    return subprocess.run(command, cwd=folder, env=env, check=True, **({"capture_output": True} | streams))


def test_a_file_that_is_there_is_replaced_only_by_force(charlm: Any, folder: Path, counted: bytes) -> None:
    (folder / "counted.arpa").write_text("mine")
    assert "'counted.arpa' is there already" in charlm("export", "arpa", "counted", code=1)[1]
    assert (folder / "counted.arpa").read_text() == "mine"
    charlm("export", "arpa", "counted", "--force")
    assert (folder / "counted.arpa").read_bytes() == counted


def test_a_folder_is_never_replaced(charlm: Any, counted: bytes, tmp_path: Path) -> None:
    assert "is a folder" in charlm("export", "arpa", "counted", "-o", str(tmp_path), "--force", code=1)[1]


def test_a_file_is_named_after_the_run_however_that_is_named(charlm: Any, folder: Path, counted: bytes) -> None:
    for name in ("checkpoints/counted", "checkpoints/counted/", "checkpoints/counted/best.safetensors"):
        assert charlm("export", "arpa", name, "--force") == ("counted.arpa\n", "")


@needs_devices
def test_a_dash_is_standard_output(folder: Path, counted: bytes) -> None:
    assert export(folder, "-").stdout == counted
    assert not (folder / "-").exists()


@needs_devices
def test_a_file_whose_name_is_a_dash_is_written_by_its_path(folder: Path, counted: bytes) -> None:
    export(folder, "./-")
    assert (folder / "-").read_bytes() == counted
    (folder / "-").unlink()


@needs_devices
def test_a_named_pipe_stays_one_and_carries_the_file(charlm: Any, folder: Path, counted: bytes, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append(pipe.read_bytes()), daemon=True)
    reader.start()
    charlm("export", "arpa", "counted", "-o", str(pipe))
    assert pipe.is_fifo()
    reader.join()
    assert received == [counted]


@needs_devices
def test_a_device_stays_one(charlm: Any, counted: bytes, tmp_path: Path) -> None:
    # A link to the device in a folder of the test's own: a failure must not replace the machine's.
    (tmp_path / "null").symlink_to(os.devnull)
    charlm("export", "arpa", "counted", "-o", str(tmp_path / "null"))
    assert (tmp_path / "null").is_char_device()


@needs_devices
def test_the_path_of_standard_output_is_it(folder: Path, counted: bytes, tmp_path: Path) -> None:
    assert export(folder, "/dev/fd/1").stdout == counted
    with (tmp_path / "out").open("wb") as file:
        export(folder, "/dev/fd/1", capture_output=False, stdout=file)
    assert (tmp_path / "out").read_bytes() == counted


def test_a_folder_for_others_is_sampled_and_scored_as_its_run(charlm: Any, folder: Path) -> None:
    assert charlm("export", "hub", "demo") == ("demo-hub\n", "")
    for command in ("sample {} --length 40 --seed 2", "eval perplexity {} t.txt --json --quiet"):
        one, hub = (charlm(*command.format(name).split())[0] for name in ("demo", "demo-hub"))
        assert hub.replace("demo-hub", "demo") == one
    assert "'demo-hub' is there already" in charlm("export", "hub", "demo", code=1)[1]
    charlm("export", "hub", "demo-hub", "-o", "again")
    assert (folder / "again/model.safetensors").read_bytes() == (folder / "demo-hub/model.safetensors").read_bytes()


def test_a_step_for_onnx_is_written_and_replaced_only_by_force(charlm: Any, folder: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="needs the extra 'onnx'")
    assert charlm("export", "onnx", "demo") == ("demo.onnx\n", "")
    assert "is there already" in charlm("export", "onnx", "demo", code=1)[1]
    onnx.checker.check_model(onnx.load(folder / "demo.onnx"))
    content = export(folder, "-", command=("onnx", "demo")).stdout
    assert content == (folder / "demo.onnx").read_bytes()


def test_a_missing_package_is_asked_for(charlm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert "pip install 'charlm[onnx]'" in charlm("export", "onnx", "demo", code=2)[1]


def test_a_page_is_written_under_the_runs_name_and_replaced_only_by_force(charlm: Any, folder: Path) -> None:
    assert charlm("export", "page", "demo") == ("demo.html\n", "")
    page = (folder / "demo.html").read_bytes()
    assert page.startswith(b"<!doctype html>")
    assert "'demo.html' is there already" in charlm("export", "page", "demo", code=1)[1]
    charlm("export", "page", "demo", "--weights", "int8", "--force")
    assert len((folder / "demo.html").read_bytes()) < len(page)


def test_a_page_that_cannot_be_made_leaves_nothing(charlm: Any, folder: Path, counted: bytes) -> None:
    assert "is an n-gram model" in charlm("export", "page", "counted", code=2)[1]
    assert "int4" in charlm("export", "page", "demo", "--weights", "int4", code=2)[1]
    assert "Cannot write 'no/where.html'" in charlm("export", "page", "demo", "-o", "no/where.html", code=1)[1]
    assert "There is no run 'nobody'" in charlm("export", "page", "nobody", code=1)[1]
    assert not list(folder.glob("counted.html")) + list(folder.glob("no*")) + list(folder.glob("int4*"))
