"""Real processes, really killed."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from charlm.checkpointing.checkpoint import read_checkpoint

TRAIN = [sys.executable, "-m", "charlm", "train"]

SETTINGS = ["--steps", "60", "--evaluations", "6", "--hidden-size", "8", "--batch-size", "4", "--device", "cpu"]


def run_whole(folder: Path, *arguments: str) -> None:
    finished = subprocess.run([*TRAIN, *arguments, "--quiet"], cwd=folder, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr


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


@pytest.fixture
def folder(tmp_path: Path, text: Path) -> Path:
    return text.parent


@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_stopped_process_goes_on_bit_for_bit(folder: Path, signal_number: int):
    settings = [*SETTINGS, "--precision", "fp32"]
    run_whole(folder, "tale.txt", "--name", "whole", *settings)
    code, rest = run_until(folder, "evaluation at step 20", signal_number, "tale.txt", "--name", "stopped", *settings)
    if signal_number == signal.SIGKILL:
        assert code == -signal.SIGKILL
    else:
        assert code == {signal.SIGINT: 130, signal.SIGTERM: 143}[signal_number]
        assert "charlm train --resume stopped" in rest
    run_whole(folder, "--resume", "stopped")
    whole, stopped = (state(folder / "checkpoints" / name) for name in ("whole", "stopped"))
    assert stopped[0] == whole[0]
    assert stopped[1] == whole[1]
