import pytest
import torch

from charlm.runs.reporting import SilentReporter, StopRequest
from charlm.runs.train import resume, start


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize(("first", "second"), [("cuda", "cpu"), ("cpu", "cuda")])
def test_a_run_goes_on_on_another_device(small_request, workspace, first, second):
    start(small_request(name="moved", device=first, dropout=0.1), workspace, SilentReporter(), StopRequest())
    overrides = {"steps": 20, "device": second}
    result = resume("moved", workspace, SilentReporter(), StopRequest(), overrides=overrides)
    assert result.steps == 20
