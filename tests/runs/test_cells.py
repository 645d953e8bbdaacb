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
from tests.support.training_runs import train_whole


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


NETWORKS = [{"cell": cell} for cell in cell_names()] + [{"cell": "rnn", "nonlinearity": "relu"}, {"model": "mlp"}]


@pytest.mark.slow
@pytest.mark.parametrize("num_layers", [1, 3])
@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: "-".join(network.values()))
def test_every_network_learns_at_its_usual_rate_whatever_the_seed(small_request, workspace, network, num_layers):
    sizes = {"hidden_size": 64, "embedding_size": None, "batch_size": 16, "num_layers": num_layers, "mix": "none"}
    for seed in (1, 2, 3):
        request = small_request(
            steps=60, evaluations=1, split="80/20/0", name=f"s{seed}", seed=seed, **network, **sizes
        )
        result = train_whole(request, workspace)
        assert result.no_better_than is None
        unigram = next(each for each in result.baselines if each.name == "unigram")
        # In the sentences of the text hardly a letter is open; letter by letter they take 2.6 nats.
        assert result.validation.nats_per_symbol < unigram.score.nats_per_symbol - 0.8
