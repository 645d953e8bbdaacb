"""docs/extending.md, followed: a recurrent cell that charlm does not have, through everything that a run is."""

import re
from pathlib import Path
from typing import final

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

import charlm
from charlm.cells import CELLS, CarriedState, Cell, Gate, gated_shapes
from charlm.checkpointing.checkpoint import read_checkpoint
from charlm.config import ModelConfig, by_section, make_request, require_suited
from charlm.errors import ConfigError
from charlm.models.build import arrays_of, build_network
from charlm.models.cells.layer import RecurrentLayer
from charlm.runs.reporting import SilentReporter, StopRequest
from charlm.runs.stored.workspace import Workspace
from charlm.runs.train.resume import resume
from charlm.runs.train.start import start
from charlm.stepping.build import build_step_model
from charlm.stepping.cells.base import BoundLayer, CellStep, finish_logistic, interpolate
from charlm.stepping.shapes import weight_shapes
from tests.support.reporters import StopAfter
from tests.support.tale import write_tale

PAGE = Path(__file__).parents[1] / "docs" / "extending.md"


@final
class CoupledLSTM(RecurrentLayer):
    """One LSTM layer that writes as much as it forgets (Greff et al. 2017).

    f = sigmoid(W_f x + U_f h + b_f)
    g = tanh(W_g x + U_g h + b_g)
    o = sigmoid(W_o x + U_o h + b_o)
    c' = f * c + (1 - f) * g
    h' = o * tanh(c')

    Order of the gates: f, g, o.
    """

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size, gates=3)

    def forward(self, inputs: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Returns the outputs `[time, batch, hidden]` and the last h and c, `[1, batch, hidden]` each."""
        h, c = (each[0] for each in state)
        outputs = []
        for projection in functional.linear(inputs, self.weight_ih_l0, self.bias_ih_l0):
            f, g, o = (projection + h @ self.weight_hh_l0.T).chunk(3, dim=1)
            c = torch.lerp(g.tanh(), c, f.sigmoid())
            h = o.sigmoid() * c.tanh()
            outputs.append(h)
        return torch.stack(outputs), (h[None], c[None])


@final
class CoupledLstmStep(CellStep):
    """Gates: forget, output, candidate."""

    def __init__(self, layer: BoundLayer) -> None:
        super().__init__(layer, num_states=2)
        self._memory = self.state[1]
        self._gates = layer.empty(3)
        self._forget, self._output, self._candidate = self._gates

    def step(self) -> None:
        """Computes the next output and memory."""
        np.add(self._product(), self._addend(), out=self._gates)
        np.tanh(self._gates, out=self._gates)
        finish_logistic(self._gates[:2])
        interpolate(self._memory, self._candidate, self._forget)
        np.multiply(self._output, np.tanh(self._memory), out=self._hidden)


LSTM_COUPLED = Cell(
    layer=f"{__name__}:CoupledLSTM",
    step=f"{__name__}:CoupledLstmStep",
    gates=(Gate("forget"), Gate("candidate", is_logistic=False), Gate("output")),
    states=(CarriedState("h"), CarriedState("c")),
    layer_shapes=gated_shapes(3),
    learning_rate=0.03,
    keeping_gate="forget",
    keeping_bias=1.0,
)


@pytest.fixture(autouse=True)
def lstm_coupled(monkeypatch):
    monkeypatch.setitem(CELLS, "lstm-coupled", LSTM_COUPLED)


MODEL = {"cell": "lstm-coupled", "hidden_size": 6, "embedding_size": 4, "dropout": 0.1}
TRAINING = {"batch_size": 4, "sequence_length": 16, "evaluations": 3}
RUN = {"precision": "fp32", "device": "cpu"}


@pytest.fixture
def text(tmp_path):
    return write_tale(tmp_path / "tale.txt")


def test_the_page_shows_what_is_tested_here():
    own = Path(__file__).read_text(encoding="utf-8")
    shown = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(shown) == 3
    for block in shown:
        assert (
            block.replace('"charlm.models.cells.lstm_coupled', 'f"{__name__}').replace(
                '"charlm.stepping.cells.lstm_coupled', 'f"{__name__}'
            )
            in own
        )


def test_settings_of_cells_with_gates_suit_the_new_one():
    config = ModelConfig(cell="lstm-coupled", hidden_size=6, num_layers=1, forget_bias=2.5, init="identity")
    network = build_network(config, vocabulary_size=7)
    network.initialize(torch.Generator().manual_seed(1))
    forget, candidate, output = network.layers[0].bias_ih_l0.chunk(3)
    assert (forget.tolist(), candidate.tolist(), output.tolist()) == ([2.5] * 6, [0.0] * 6, [0.0] * 6)
    require_suited(config, ["forget_bias", "init"])
    with pytest.raises(ConfigError, match="nonlinearity is for cell rnn or jordan, not for cell lstm-coupled"):
        require_suited(ModelConfig(cell="lstm-coupled", nonlinearity="relu"), ["nonlinearity"])


@pytest.mark.parametrize("shape", [{}, {"num_layers": 1}, {"embedding_size": 4, "layer_norm": True}], ids=str)
@pytest.mark.parametrize("num_streams", [1, 3])
def test_stepped_logits_and_states_are_those_of_torch(shape, num_streams):
    config = ModelConfig.model_validate({"cell": "lstm-coupled", "hidden_size": 6, **shape})
    network = build_network(config, vocabulary_size=7).eval()
    network.initialize(torch.Generator().manual_seed(1))
    arrays = arrays_of(network)
    assert {name: array.shape for name, array in arrays.items()} == weight_shapes(config, vocabulary_size=7)
    tokens = np.random.default_rng(2).integers(0, 7, (9, num_streams))
    with torch.no_grad():
        logits, state = network(torch.from_numpy(tokens), network.initial_state(num_streams))
    steps = build_step_model(config, arrays, vocabulary_size=7, source="a test")
    stepper = steps.stepper(steps.initial_state(num_streams))
    assert np.stack([stepper.step(row).copy() for row in tokens]) == pytest.approx(logits.numpy(), abs=1e-5)
    for got, expected in zip(stepper.state(), state, strict=True):
        assert got == pytest.approx(expected.numpy(), abs=1e-5)


def test_a_run_is_trained_saved_loaded_sampled_and_scored(text, tmp_path):
    run = charlm.train(text, workspace=tmp_path, name="whole", steps=60, **MODEL, **TRAINING, **RUN)
    again = charlm.load("whole", workspace=tmp_path)
    assert len(run.sample(seed=1, length=20)) == 20
    assert again.sample(seed=1, length=20) == run.sample(seed=1, length=20)
    characters = text.read_text(encoding="utf-8")
    score = run.score(characters)
    assert again.score(characters) == score
    # Better than knowing no more than which characters there are.
    assert score.bits_per_character < np.log2(len(set(characters)))


def test_a_training_that_was_stopped_goes_on_to_the_same_weights(text, tmp_path):
    def request(name):
        return make_request(by_section({"corpus": [str(text)], "name": name, "steps": 12, **MODEL, **TRAINING, **RUN}))

    workspace, stop = Workspace(tmp_path), StopRequest()
    start(request("whole"), workspace, SilentReporter(), StopRequest())
    start(request("halted"), workspace, StopAfter(stop, 5), stop)
    resume("halted", workspace, SilentReporter(), StopRequest())
    one, other = (read_checkpoint(workspace.checkpoints / name / "last.safetensors") for name in ("whole", "halted"))
    assert all(torch.equal(tensor, other.tensors[name]) for name, tensor in one.tensors.items())
