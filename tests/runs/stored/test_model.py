from pathlib import Path

import pytest
import torch

from charlm.checkpointing.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from charlm.errors import CheckpointError
from charlm.runs.reporting import SilentReporter, StopRequest
from charlm.runs.stored.loading import load_model
from charlm.runs.stored.workspace import Workspace
from charlm.runs.train.start import start

CPU = torch.device("cpu")


@pytest.fixture
def run(small_request, workspace):
    return start(small_request(name="mine"), workspace, SilentReporter(), StopRequest())


@pytest.mark.parametrize("missing", ["config", "tokenizer"])
def test_a_checkpoint_without_its_parts_is_refused(run, workspace, missing):
    path = run.run / "best.safetensors"
    stored = read_checkpoint(path)
    values = {name: value for name, value in stored.values.items() if name != missing}
    write_checkpoint(path, Checkpoint(stored.tensors, values))
    with pytest.raises(CheckpointError, match=missing):
        load_model("mine", workspace, device=CPU)


def test_a_checkpoint_whose_sizes_disagree_is_refused_before_memory_is_asked_for(run, workspace):
    path = run.run / "best.safetensors"
    stored = read_checkpoint(path)
    config = dict(stored.values["config"])
    config["model"] = config["model"] | {"hidden_size": 65536, "embedding_size": 65536}
    write_checkpoint(path, Checkpoint(stored.tensors, stored.values | {"config": config}))
    with pytest.raises(CheckpointError, match="do not fit"):
        load_model("mine", workspace, device=CPU)


def test_a_run_that_is_no_run_is_refused(workspace: Workspace, tmp_path: Path):
    (tmp_path / "checkpoints" / "empty").mkdir(parents=True)
    for name in ("empty", "none", "..", ""):
        with pytest.raises(CheckpointError):
            load_model(name, workspace, device=CPU)
