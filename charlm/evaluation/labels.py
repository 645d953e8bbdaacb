"""The labels that a network gives to examples, and what texts cost on the condition of each label."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from charlm.data.example_batches import lay_window
from charlm.data.examples.shapes import after_condition
from charlm.data.tokenizers.conditions import ConditionTokenizer
from charlm.models.base import OWN, Network

_BATCH_SIZE = 64
_LANES = 512
"""Texts on conditions that are read side by side."""


@torch.inference_mode()
def label_log_probabilities(
    model: Network,
    inputs: Sequence[NDArray[np.int64]],
    *,
    device: torch.device,
    advance: Callable[[int], None] | None = None,
) -> list[NDArray[np.float32]]:
    """Returns the log-probability of each label, for each example `[targets, labels]`, in the order of the examples.

    Args:
        model: in evaluation mode; one row of targets an example if it labels whole examples, or a row a symbol.
        inputs: the symbols of each example, its begin first.
        advance: is given the number of examples that were labelled since its last call.
    """
    found: list[NDArray[np.float32]] = [np.empty(0, np.float32)] * len(inputs)
    # Examples of similar length share a batch, so that little is padding.
    order = sorted(range(len(inputs)), key=lambda number: len(inputs[number]))
    for start in range(0, len(order), _BATCH_SIZE):
        chosen = order[start : start + _BATCH_SIZE]
        tokens = np.zeros((len(inputs[chosen[-1]]), len(chosen)), dtype=np.int64)
        for lane, number in enumerate(chosen):
            tokens[: len(inputs[number]), lane] = inputs[number]
        logits, _ = model(torch.from_numpy(tokens).to(device))
        known = functional.log_softmax(logits.float(), dim=-1).cpu().numpy()
        for lane, number in enumerate(chosen):
            found[number] = known[: len(inputs[number]), lane]
        if advance is not None:
            advance(len(chosen))
    return found


@torch.inference_mode()
def condition_nats(
    model: Network,
    inputs: Sequence[NDArray[np.int64]],
    tokenizer: ConditionTokenizer,
    *,
    device: torch.device,
    advance: Callable[[int], None] | None = None,
) -> NDArray[np.float64]:
    """Returns the code length of each text on the condition of each label, in nats, float64 `[texts, labels]`.

    Args:
        model: a language model that writes on conditions, in evaluation mode.
        inputs, advance: as in `label_log_probabilities`.
    """
    labels = range(len(tokenizer.labels))
    found = np.empty((len(inputs), len(labels)))
    order = sorted(range(len(inputs)), key=lambda number: len(inputs[number]))
    at_once = max(1, _LANES // len(labels))
    for start in range(0, len(order), at_once):
        chosen = order[start : start + at_once]
        examples = (tokenizer.conditioned(inputs[number], label) for number in chosen for label in labels)
        window = lay_window([after_condition(example, tokenizer) for example in examples]).to(device)
        nats, _ = model.nats(window.inputs, window.targets, model.initial_state(window.inputs.shape[1]))
        sums = nats[OWN].cpu().double().sum(dim=0).numpy()
        found[chosen] = sums.reshape(len(chosen), len(labels))
        if advance is not None:
            advance(len(chosen))
    return found
