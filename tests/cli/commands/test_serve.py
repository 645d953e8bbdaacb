import importlib.util
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from tests.support.commands import PACKAGE


def test_without_the_extra_a_sentence_says_how_to_get_it(charlm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "uvicorn" else find(name))
    pytest.importorskip("starlette")
    err = charlm("serve", "demo", code=2)[1]
    assert err == "Error: charlm serve needs uvicorn; install it with: pip install 'charlm[serve]'\n"


@pytest.mark.parametrize("arguments", [("--port", "65536"), ("--streams", "0"), ("--api-key", "")])
def test_settings_have_bounds(charlm: Any, arguments: tuple[str, str]) -> None:
    assert charlm("serve", "demo", *arguments, code=2)[1].startswith(f"Error: {arguments[0]} is ")


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="sends signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_with_exit_code_0(folder: Path, number: signal.Signals) -> None:
    pytest.importorskip("uvicorn")
    command = [sys.executable, "-m", "charlm", "serve", "demo", "--port", "0"]
    env = {**os.environ, "PYTHONPATH": str(PACKAGE)}
    with subprocess.Popen(command, cwd=folder, env=env, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        first = server.stderr.readline()
        found = re.fullmatch(r"Serving demo at (http://127\.0\.0\.1:\d+) \(Ctrl-C stops\)\.\n", first)
        assert found, first
        with urlopen(f"{found[1]}/health") as answer:
            assert answer.status == 200
        server.send_signal(number)
        assert server.stderr.read() == "Stopped.\n"
        assert server.wait() == 0
