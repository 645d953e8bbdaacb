"""Real processes, really killed."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from charlm.checkpointing.checkpoint import read_checkpoint
from charlm.cli import app
from tests.support.tale import write_tale

TRAIN = [sys.executable, "-m", "charlm", "train"]

SETTINGS = ["--steps", "60", "--evaluations", "6", "--hidden-size", "8", "--batch-size", "4", "--device", "cpu"]
SETTINGS += ["--precision", "fp32"]


def run_until(folder: Path, marker: str, signal_number: int, *arguments: str) -> tuple[int, str]:
    """Starts a training, sends it a signal when its log shows `marker`, and returns its exit code and the rest."""
    process = subprocess.Popen([*TRAIN, *arguments], cwd=folder, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if marker in line:
            process.send_signal(signal_number)
            break
    _, rest = process.communicate()
    return process.returncode, rest


def state(run: Path) -> tuple[dict[str, bytes], list[dict[str, object]]]:
    """Returns every tensor's bytes, and the metrics but for the times."""
    tensors = {}
    for name in ("best.safetensors", "last.safetensors"):
        for key, tensor in read_checkpoint(run / name).tensors.items():
            tensors[f"{name}:{key}"] = tensor.flatten().view(dtype=tensor.dtype).contiguous().numpy().tobytes()
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return tensors, [{key: value for key, value in line.items() if key != "seconds"} for line in lines]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a process that nobody stopped."""
    folder = tmp_path_factory.mktemp("whole")
    write_tale(folder / "tale.txt")
    command = [*TRAIN, "tale.txt", *SETTINGS, "--name", "whole", "--quiet"]
    finished = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    return folder / "checkpoints" / "whole"


@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_stopped_process_goes_on_bit_for_bit(
    whole: Path, text: Path, monkeypatch: pytest.MonkeyPatch, signal_number: int
) -> None:
    folder = text.parent
    code, rest = run_until(folder, "evaluation at step 20", signal_number, "tale.txt", "--name", "stopped", *SETTINGS)
    if signal_number == signal.SIGKILL:
        assert code == -signal.SIGKILL
    else:
        assert code == {signal.SIGINT: 130, signal.SIGTERM: 143}[signal_number]
        assert "charlm train --resume stopped" in rest
    monkeypatch.chdir(folder)
    assert app.run(["train", "--resume", "stopped", "--quiet"]) == 0
    assert state(folder / "checkpoints" / "stopped") == state(whole)
