"""A short text, options of a small network, and standard input, for commands that are run from end to end."""

import io
import sys
from pathlib import Path

import pytest

from charlm.cli import app

PACKAGE = Path(app.__file__).parents[2]
TEXT = "the quick brown fox jumps over the lazy dog; " * 40
SMALL = ["--hidden-size", "4", "--embedding-size", "4", "--batch-size", "2", "--sequence-length", "8"]
SMALL += ["--device", "cpu", "--evaluations", "2"]


def stdin_of(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Replaces standard input by `data`."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
