import pytest
import torch

from charlm.cells import standing_alone
from charlm.config import ModelConfig
from charlm.models.build import build_network
from charlm.models.examples import reversal
from charlm.stepping.shapes import count_weights, state_shapes, weight_shapes
from charlm.tasks import Outputs

SIZES = {"hidden_size": 4, "embedding_size": 3, "num_layers": 2}


def make(**settings: object):
    head = settings.pop("head", "pooled")
    config = ModelConfig(**{**SIZES, **settings})
    network = build_network(config, vocabulary_size=6, outputs=Outputs(3, head))
    network.initialize(torch.Generator().manual_seed(1))
    return network.eval()


def test_a_reversal_turns_each_sequence_around_and_leaves_its_padding() -> None:
    order = reversal(torch.tensor([3, 1, 4]), 4)
    assert order.t().tolist() == [[2, 1, 0, 3], [0, 1, 2, 3], [3, 2, 1, 0]]


@pytest.mark.parametrize("cell", standing_alone())
@pytest.mark.parametrize("direction", ["forward", "both"])
@pytest.mark.parametrize("head", ["pooled", "each"])
def test_padding_changes_nothing(cell: str, direction: str, head: str) -> None:
    network = make(cell=cell, direction=direction, head=head)
    short, long = torch.tensor([[0], [2], [5]]), torch.tensor([[0], [3], [1], [4], [2]])
    both = torch.zeros(5, 2, dtype=torch.int64)
    both[:3, :1], both[:, 1:] = short, long
    logits, state = network(both)
    assert state == ()
    rows = (1, 1) if head == "pooled" else (3, 5)
    for lane, (tokens, count) in enumerate(zip((short, long), rows, strict=True)):
        torch.testing.assert_close(logits[:count, lane], network(tokens)[0][:, 0])


def test_forward_sees_only_what_came_before_and_both_sees_all() -> None:
    tokens, changed = torch.tensor([[0], [2], [3]]), torch.tensor([[0], [2], [4]])
    for direction, is_same in (("forward", True), ("both", False)):
        network = make(direction=direction, head="each")
        assert torch.equal(network(tokens)[0][:2], network(changed)[0][:2]) == is_same


def test_the_head_pools_the_last_the_largest_and_the_mean() -> None:
    network = make(direction="both", num_layers=1)
    features = []
    network.output.register_forward_hook(lambda module, inputs, output: features.append(inputs[0]))
    each = make(direction="both", num_layers=1, head="each")
    each.load_state_dict({**each.state_dict(), **{k: v for k, v in network.state_dict().items() if "output" not in k}})
    each.output.register_forward_hook(lambda module, inputs, output: features.append(inputs[0]))
    tokens = torch.tensor([[0], [2], [3]])
    network(tokens), each(tokens)
    pooled, outputs = features[0][0, 0], features[1][:, 0]
    torch.testing.assert_close(pooled[:8], torch.cat([outputs[2, :4], outputs[0, 4:]]))
    torch.testing.assert_close(pooled[8:16], outputs.max(dim=0).values)
    torch.testing.assert_close(pooled[16:], outputs.mean(dim=0))


def test_the_weights_of_ngrams_begin_at_nothing_and_add_to_the_logits() -> None:
    tokens = torch.tensor([[0], [2], [3]])
    alone, network = make(), make(label_ngrams="hashed")
    torch.testing.assert_close(network(tokens)[0], alone(tokens)[0])
    torch.nn.init.constant_(network.hashed_ngrams.weight, 1.0)
    # Ten n-grams of four symbols, both ends counted: three times ten by the root of ten.
    torch.testing.assert_close(network(tokens)[0], alone(tokens)[0] + 3.0 * 10**0.5)


@pytest.mark.parametrize("direction", ["forward", "both"])
@pytest.mark.parametrize(("head", "ngrams"), [("pooled", "none"), ("pooled", "hashed"), ("each", None)])
@pytest.mark.parametrize("layer_norm", [False, True])
def test_shapes_are_known_without_the_network(direction: str, head: str, ngrams: str | None, layer_norm: bool) -> None:
    settings = {"direction": direction, "layer_norm": layer_norm, "label_ngrams": ngrams}
    config = ModelConfig(**SIZES, **settings)
    outputs = Outputs(3, head)
    network = make(head=head, **settings)
    shapes = weight_shapes(config, vocabulary_size=6, outputs=outputs)
    assert shapes == {name: tuple(each.shape) for name, each in network.state_dict().items()}
    assert count_weights(config, vocabulary_size=6, outputs=outputs) == sum(p.numel() for p in network.parameters())
    assert state_shapes(config, vocabulary_size=6, batch_size=2, outputs=outputs) == {}
