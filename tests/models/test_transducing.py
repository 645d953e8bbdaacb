import itertools

import numpy as np
import pytest
import torch

from charlm.cells import standing_alone
from charlm.config import ModelConfig
from charlm.generation.beam import Hypothesis, search
from charlm.models.build import build_network
from charlm.models.transducing import TransducingNetwork
from charlm.stepping.shapes import count_weights, weight_shapes
from charlm.tasks import Outputs

OUTPUTS = Outputs(3, "sequence")
FIRST_LABEL = 5  # Symbols: 0 begin, 1 between, 2 to 4 are read, 5 is the end, 6 and 7 are said.


def make(**settings: object) -> TransducingNetwork:
    config = ModelConfig(**{"hidden_size": 4, "embedding_size": 3, "num_layers": 2, "direction": "both", **settings})
    network = build_network(config, vocabulary_size=9, outputs=OUTPUTS)
    assert isinstance(network, TransducingNetwork)
    network.initialize(torch.Generator().manual_seed(1))
    return network.eval()


def column(*symbols: int) -> torch.Tensor:
    return torch.tensor(symbols)[:, None]


@pytest.mark.parametrize("cell", standing_alone())
@pytest.mark.parametrize("attention", ["gnmt", "luong", "none"])
@pytest.mark.parametrize("direction", ["forward", "both"])
def test_padding_and_empty_lanes_change_nothing(cell: str, attention: str, direction: str) -> None:
    network = make(cell=cell, attention=attention, direction=direction)
    one, other = column(0, 2, 1, 6), column(0, 3, 4, 2, 1, 7, 7)
    batch = torch.zeros(7, 3, dtype=torch.int64)
    batch[:4, :1], batch[:, 1:2] = one, other
    logits, state = network(batch)
    assert state == () and logits.shape == (7, 3, 3) and bool(logits.isfinite().all())
    torch.testing.assert_close(logits[:2, 0], network(one)[0][:2, 0])
    torch.testing.assert_close(logits[:3, 1], network(other)[0][:3, 0])


def test_what_is_said_depends_on_what_was_said_before_it_alone() -> None:
    network = make()
    first, changed = (network(column(0, 2, 3, 1, 6, each))[0] for each in (6, 7))
    assert torch.equal(first[:2], changed[:2]) and not torch.equal(first[2], changed[2])
    other = network(column(0, 2, 4, 1, 6, 6))[0]
    assert not torch.equal(first[0], other[0])


@pytest.mark.parametrize(("attention", "passes"), [("gnmt", True), ("luong", False)])
def test_what_was_looked_at_before_passes_by_the_layer_above_attention(attention: str, passes: bool) -> None:
    network = make(attention=attention, num_layers=1, direction="forward")
    memory, before = torch.randn(2, 1, 4), tuple(torch.zeros(2, 1, 4) for _ in range(2))
    looked = iter([torch.zeros(2, 1, 4), torch.tensor([[[1.0] * 4], [[0.0] * 4]])])
    network._attend = lambda *_: next(looked)  # type: ignore[method-assign]
    one, other = (network.decode(column(1, 6), memory, before, torch.tensor([2]))[0] for _ in range(2))
    assert not torch.equal(one[0], other[0])
    assert torch.equal(one[1], other[1]) is not passes


def test_attention_is_a_weighted_mean_of_what_was_read() -> None:
    network = make(num_layers=1)
    memory, outputs = torch.randn(3, 1, 8), torch.randn(1, 1, 4)
    assert network.query is not None
    scores = (memory[:2, 0] @ network.query(outputs[0, 0])) / 8**0.5
    expected = (scores.softmax(0)[:, None] * memory[:2, 0]).sum(0)
    torch.testing.assert_close(network._attend(outputs, memory, torch.tensor([2]))[0, 0], expected)


@pytest.mark.parametrize("attention", ["gnmt", "luong", "none"])
@pytest.mark.parametrize("direction", ["forward", "both"])
@pytest.mark.parametrize("layer_norm", [False, True])
def test_shapes_are_known_without_the_network(attention: str, direction: str, layer_norm: bool) -> None:
    settings = {"attention": attention, "direction": direction, "layer_norm": layer_norm}
    config = ModelConfig(hidden_size=4, embedding_size=3, num_layers=2, **settings)
    network = make(**settings)
    shapes = weight_shapes(config, vocabulary_size=9, outputs=OUTPUTS)
    assert shapes == {name: tuple(each.shape) for name, each in network.state_dict().items()}
    assert count_weights(config, vocabulary_size=9, outputs=OUTPUTS) == sum(p.numel() for p in network.parameters())


def test_every_layer_of_encoder_and_decoder_is_followed_by_its_norm() -> None:
    network = make(layer_norm=True, attention="gnmt")
    widths = {name: len(each) for name, each in network.state_dict().items() if "norm" in name and "bias" in name}
    of_decoder = ("decoder_norms.0.bias", "decoder_norms.1.bias", "upper_norm.bias")
    assert widths == {"norms.0.bias": 8, "norms.1.bias": 8} | dict.fromkeys(of_decoder, 4)
    # A norm that lets nothing pass but its bias hides what the layer below it says of the symbols.
    tokens = column(0, 2, 3, 1, 6, 7)
    with torch.no_grad():
        torch.nn.init.zeros_(network.decoder_norms[1].weight)
        assert not torch.equal(*network(tokens)[0][:2, 0])
        torch.nn.init.zeros_(network.upper_norm.weight)
        torch.nn.init.zeros_(network.norms[1].weight)
        # The same query and the same memory at each place.
        torch.testing.assert_close(*network(tokens)[0][:2, 0])


def probability(network: TransducingNetwork, read: list[int], said: tuple[int, ...]) -> float:
    logits = network(column(*read, 1, *(FIRST_LABEL + each for each in said)))[0][:, 0].log_softmax(-1)
    return sum(float(logits[place, label].detach()) for place, label in enumerate((*said, 0)))


def test_a_wide_beam_finds_the_best_of_all_answers() -> None:
    network = make()
    with torch.no_grad():
        network.output.bias[0] += 1.0  # Short answers, so that all of them can be listed.
    inputs = [np.array([0, 2, 3]), np.array([0, 4])]
    found = search(network, inputs, first_label=FIRST_LABEL, beam=40, device=torch.device("cpu"))
    for read, answers in zip(inputs, found, strict=True):
        every = [said for length in range(5) for said in itertools.product((1, 2), repeat=length)]
        ranked = sorted(
            (Hypothesis(said, probability(network, read.tolist(), said)) for said in every),
            key=lambda each: -each.score,
        )
        assert answers[0].labels == ranked[0].labels
        for answer in answers[:5]:
            assert answer.log_probability == pytest.approx(probability(network, read.tolist(), answer.labels), rel=1e-4)


def test_one_hypothesis_takes_the_likeliest_symbol_each_time() -> None:
    network = make()
    (answers,) = search(network, [np.array([0, 2, 3])], first_label=FIRST_LABEL, beam=1, device=torch.device("cpu"))
    said: tuple[int, ...] = ()
    while len(said) < 30:
        symbols = (0, 2, 3, 1, *(FIRST_LABEL + each for each in said))
        best = int(network(column(*symbols))[0][len(said), 0].argmax())
        if best == 0:
            break
        said = (*said, best)
    assert answers[0].labels == said or answers[0].log_probability == -np.inf
