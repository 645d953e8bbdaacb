import pytest

from charlm.runs.info import describe
from charlm.runs.reporting import SilentReporter, StopRequest
from charlm.runs.train.start import start


@pytest.fixture
def run(small_request, workspace):
    return start(small_request(name="mine"), workspace, SilentReporter(), StopRequest())


def test_info_describes_the_run(run, workspace):
    description = describe("mine", workspace)
    facts = description.to_json()
    assert (facts["run"], facts["step"], facts["total_steps"], facts["finished"]) == ("mine", 12, 12, True)
    assert facts["parameters"] == run.parameters
    assert [point.step for point in description.history] == [4, 8, 12]
    assert all(point.validation is not None for point in description.history)


@pytest.mark.parametrize("name", ["best.safetensors", "last.safetensors"])
def test_info_names_a_damaged_checkpoint(run, workspace, name):
    path = workspace.checkpoints / "mine" / name
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    rows = dict(describe("mine", workspace).rows)
    assert name in rows["damaged"]
    assert rows["corpus"]
