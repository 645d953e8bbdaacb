"""Twenty thousand steps, evaluated and saved every fifty: memory, open files and threads stay what they were."""

import re
from pathlib import Path

import pytest

from charlm.config import make_request
from charlm.runs.reporting import SilentReporter, StopRequest
from charlm.runs.train import start
from charlm.runs.workspace import Workspace

STEPS = 20_000


class Gauge(SilentReporter):
    """Reads at every evaluation what the process holds."""

    def __init__(self):
        self.readings = []

    def evaluation(self, report):
        status = Path("/proc/self/status").read_text()
        resident, threads = (int(re.search(rf"{name}:\s+(\d+)", status)[1]) for name in ("VmRSS", "Threads"))
        self.readings.append((resident, threads, len(list(Path("/proc/self/fd").iterdir()))))


@pytest.mark.torture
def test_nothing_grows(tmp_path):
    (tmp_path / "tale.txt").write_text("the cat sat on the mat. a dog ran to the man. " * 100)
    request = make_request(
        {
            "data": {"corpus": (str(tmp_path / "tale.txt"),)},
            "model": {"hidden_size": 8, "embedding_size": 4, "mix": "ngram:3", "dropout": 0.1},
            "training": {
                **{"steps": STEPS, "evaluations": STEPS // 50, "batch_size": 4, "sequence_length": 8},
                **{"average": 0.99, "keep": 2},
            },
            "run": {"device": "cpu", "precision": "fp32", "threads": 1},
        }
    )
    gauge = Gauge()
    result = start(request, Workspace(tmp_path), gauge, StopRequest())
    assert len(gauge.readings) == STEPS // 50
    first, last = gauge.readings[20], gauge.readings[-1]
    assert last[0] - first[0] < 8 << 10, "resident memory grew by more than 8 MB"
    assert last[1:] == first[1:], "threads or open files grew"
    assert len(list(result.run.glob("*.safetensors"))) == 4
