"""What a text holds never steers a real terminal, and reaches a pipe as it is."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

EVIL = "\x1b]0;owned\x07 \x1b[2J\x9b2J \u202etxt.exe \x08\x08 \x1bP1;1|payload\x1b\\ \r"
DANGERS = ("\x1b]0;owned", "\x1b[2J\x9b", "\x9b", "\u202e", "\x08", "\x1bP", "\x07")


def on_a_terminal(folder: Path, *arguments: str) -> str:
    """Runs charlm with a terminal as its output, and returns everything that the terminal was sent."""
    ours, theirs = pty.openpty()
    environment = os.environ | {"TERM": "xterm-256color", "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        [sys.executable, "-m", "charlm", *arguments], cwd=folder, env=environment, stdout=theirs, stderr=theirs
    ):
        os.close(theirs)
        received = b""
        while True:
            try:
                piece = os.read(ours, 1 << 16)
            except OSError:  # Linux tells so that the other end is closed.
                break
            if not piece:
                break
            received += piece
    os.close(ours)
    return received.decode(errors="replace")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tmp_path = tmp_path_factory.mktemp("evil")
    (tmp_path / "evil.txt").write_text(EVIL * 40, encoding="utf-8", newline="")
    subprocess.run(
        [
            sys.executable,
            "-m",
            "charlm",
            "train",
            "evil.txt",
            "--model",
            "ngram",
            "--order",
            "6",
            "--name",
            "evil",
            "-q",
        ],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    return tmp_path


@pytest.mark.parametrize(
    "arguments",
    [
        ("sample", "evil", "--seed", "1", "--length", "200"),
        ("sample", "evil", "--seed", "1", "--length", "200", "--prompt", EVIL[:9]),
        ("data", "show", "evil.txt"),
        ("info", "evil"),
        ("train", "evil.txt", "--steps", "3", "--hidden-size", "4", "--device", "cpu", "--evaluations", "1"),
        ("sample", "no\x1b]0;owned\x07such"),
        ("train", "no\x1b]0;owned\x07such.txt"),
        ("train", "evil.txt", "--cell", "\x1b]0;owned\x07"),
    ],
    ids=lambda arguments: " ".join(arguments)[:20].replace("\x1b", "ESC"),
)
def test_no_escape_of_a_text_reaches_the_terminal(folder: Path, arguments: tuple[str, ...]) -> None:
    shown = on_a_terminal(folder, *arguments)
    assert len(shown) > 20
    for danger in DANGERS:
        assert danger not in shown, repr(shown)


@pytest.mark.slow
@pytest.mark.parametrize("command", ["train", "compare"])
def test_the_name_of_a_file_is_neither_markup_nor_an_escape(tmp_path: Path, command: str) -> None:
    path = "[red]\x1b]0;owned\x07.txt"
    (tmp_path / path).write_text("a tale of a fox; " * 200)
    models = (
        ["--models", "ngram:2", "--match", "parameters", "--steps", "1"]
        if command == "compare"
        else ["--model", "ngram"]
    )
    shown = on_a_terminal(tmp_path, command, path, *models)
    assert ("reading [red]␛]0;owned␇" in shown or command == "compare") and "Traceback" not in shown
    assert "\x1b]0;owned" not in shown
    assert list(tmp_path.glob("checkpoints/**/best.safetensors"))


def test_a_pipe_gets_the_bytes_as_they_are(folder: Path) -> None:
    drawn = subprocess.run(
        [sys.executable, "-m", "charlm", "sample", "evil", "--seed", "1", "--length", "400"],
        cwd=folder,
        check=True,
        capture_output=True,
    ).stdout.decode()
    assert "\x1b]0;owned\x07" in drawn
