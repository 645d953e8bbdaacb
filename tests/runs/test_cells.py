"""Every cell through a whole run: stopped, gone on with, loaded, scored and sampled."""

import pytest
import torch

from charlm.api import load
from charlm.cells import cell_names
from charlm.checkpointing.checkpoint import read_checkpoint
from charlm.runs.reporting import SilentReporter, StopRequest
from charlm.runs.train.resume import resume
from charlm.runs.train.start import start
from tests.support.reporters import StopAfter


@pytest.mark.parametrize("cell", cell_names())
def test_a_run_goes_on_exactly_and_can_be_used(small_request, workspace, cell):
    whole = start(small_request(name="whole", cell=cell, dropout=0.1), workspace, SilentReporter(), StopRequest())
    halted = small_request(name="halted", cell=cell, dropout=0.1)
    stop = StopRequest()
    start(halted, workspace, StopAfter(stop, 5), stop)
    resume("halted", workspace, SilentReporter(), StopRequest())
    one, other = (read_checkpoint(workspace.checkpoints / name / "last.safetensors") for name in ("whole", "halted"))
    assert all(torch.equal(tensor, other.tensors[name]) for name, tensor in one.tensors.items())
    run = load("whole", workspace=workspace.root)
    assert len(run.sample(seed=1, length=20)) == 20
    assert whole.validation is not None
