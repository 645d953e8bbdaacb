import numpy as np
import pytest
import torch

from charlm.config import ModelConfig
from charlm.data.tokenizers.char import CharTokenizer
from charlm.data.tokenizers.conditions import ConditionTokenizer
from charlm.evaluation.labels import condition_nats, label_log_probabilities
from charlm.models.base import OWN
from charlm.models.build import build_network
from charlm.tasks import Outputs

SMALL = ModelConfig(hidden_size=4, embedding_size=3, num_layers=1, direction="both")


@pytest.mark.parametrize("head", ["pooled", "each"])
def test_examples_are_labelled_as_each_by_itself(head) -> None:
    network = build_network(SMALL, vocabulary_size=6, outputs=Outputs(3, head))
    network.initialize(torch.Generator().manual_seed(1))
    inputs = [np.array([0, *each]) for each in ([3, 4, 5], [2], [5, 5])] * 30
    found = label_log_probabilities(network.eval(), inputs, device=torch.device("cpu"))
    for symbols, rows in zip(inputs, found, strict=True):
        alone = network(torch.from_numpy(symbols)[:, None])[0][:, 0].log_softmax(-1).detach().numpy()
        np.testing.assert_allclose(rows, alone, atol=1e-5)
        np.testing.assert_allclose(np.exp(rows).sum(axis=1), 1.0, atol=1e-5)


def test_texts_cost_on_each_condition_what_the_model_says() -> None:
    tokenizer = ConditionTokenizer(CharTokenizer("ab"), task="generate", labels=["x", "y"])
    network = build_network(SMALL.model_copy(update={"direction": None}), vocabulary_size=tokenizer.vocabulary_size)
    network.initialize(torch.Generator().manual_seed(1))
    inputs = tokenizer.encode_inputs(["ab", "b", "abba"])
    found = condition_nats(network.eval(), inputs, tokenizer, device=torch.device("cpu"))
    for row, text in zip(found, ([3, 4], [4], [3, 4, 4, 3]), strict=True):
        for label, nats in enumerate(row):
            read, said = [0, 5 + label, *text], [-100, *text, 1]
            lengths, _ = network.nats(
                torch.tensor(read)[:, None], torch.tensor(said)[:, None], network.initial_state(1)
            )
            assert nats == pytest.approx(lengths[OWN].sum().item(), rel=1e-5)
