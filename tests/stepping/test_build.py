"""What the model that is stepped is made of."""

import dataclasses
import os
import subprocess
import sys
import types

import numpy as np
import pytest
import torch

from charlm.cells import CELLS
from charlm.config import ModelConfig
from charlm.models.build import arrays_of, build_mixture, build_network
from charlm.ngrams.build import count_model
from charlm.stepping.build import build_step_model
from tests.support.commands import PACKAGE

KINDS = [
    *({"cell": cell} for cell in CELLS),
    {"cell": "jordan", "feedback": "target"},
    {"cell": "lstm", "tie_weights": True, "embedding_size": None},
    {"model": "mlp", "window": 3},
]


def build(kind, mix="none"):
    settings = {"hidden_size": 4, "embedding_size": 3, "num_layers": 2, "layer_norm": True, "mix": mix}
    config = ModelConfig.model_validate(settings | kind)
    model = build_network(config, vocabulary_size=6)
    if mix != "none":
        text = np.array([0, 1, 2, 3, 4, 5] * 5)
        counted = count_model(text, order=3, smoothing="kneser-ney", vocabulary_size=6)
        model = build_mixture(config, model, counted.model)
    model.initialize(torch.Generator().manual_seed(1))
    return config, model.eval()


def arrays_in(holder, seen=None):
    """Yields every array that an object holds, by attributes, in containers and in what functions close over."""
    seen = set() if seen is None else seen
    if id(holder) in seen or isinstance(holder, (type, types.ModuleType, str, bytes, int, float, np.random.Generator)):
        return
    seen.add(id(holder))
    if isinstance(holder, np.ndarray):
        yield holder
    elif isinstance(holder, memoryview):
        yield np.asarray(holder)
    elif isinstance(holder, dict):
        for each in holder.values():
            yield from arrays_in(each, seen)
    elif isinstance(holder, (list, tuple)):
        for each in holder:
            yield from arrays_in(each, seen)
    elif isinstance(holder, types.MethodType):
        yield from arrays_in(holder.__self__, seen)
    elif isinstance(holder, types.FunctionType):
        for each in holder.__closure__ or ():
            yield from arrays_in(each.cell_contents, seen)
    elif dataclasses.is_dataclass(holder) or hasattr(holder, "__dict__"):
        for each in vars(holder).values():
            yield from arrays_in(each, seen)


@pytest.mark.parametrize("mix", ["none", "ngram:3"])
@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("num_streams", [1, 2])
def test_nothing_that_is_stepped_shares_memory_with_the_weights_of_a_model_that_trains_on(kind, mix, num_streams):
    config, model = build(kind, mix)
    # The counts of n-grams are what they are: nothing trains them.
    trained = {name: each for name, each in arrays_of(model).items() if not name.startswith("ngrams.")}
    steps = build_step_model(config, arrays_of(model), vocabulary_size=6, source="a test")
    held = list(arrays_in((steps, steps.stepper(steps.initial_state(num_streams)))))
    assert len(held) > 5
    assert [name for name, weight in trained.items() for array in held if np.shares_memory(array, weight)] == []


def test_the_bits_of_a_step_do_not_depend_on_the_number_of_threads():
    def bits(threads: int) -> str:
        settings = {"OPENBLAS_NUM_THREADS": str(threads), "OMP_NUM_THREADS": str(threads), "PYTHONPATH": str(PACKAGE)}
        command = [sys.executable, "-m", "tests.support.thread_bits"]
        return subprocess.run(command, env=os.environ | settings, capture_output=True, text=True, check=True).stdout

    assert bits(1) == bits(4)
