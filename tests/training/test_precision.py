import os
import subprocess
import sys

import pytest
import torch

from charlm.config import ModelConfig
from charlm.errors import ConfigError
from charlm.training.precision import LossScale, precision_on_resuming, resolve_precision
from charlm.training.state import LossScaleState

CPU = torch.device("cpu")
WITHOUT_BFLOAT16 = """
import torch
from charlm.config import ModelConfig
from charlm.errors import ConfigError
from charlm.training.precision import precision_on_resuming, resolve_precision
cpu = torch.device("cpu")
lstm, gru, mlp = ModelConfig(cell="lstm"), ModelConfig(cell="gru"), ModelConfig(model="mlp")
print(*(resolve_precision(each, cpu, lstm) for each in ("auto", "fp32")), precision_on_resuming("bf16", cpu, lstm))
print(*(resolve_precision("bf16", cpu, each) for each in (gru, mlp)), precision_on_resuming("bf16", cpu, gru))
try:
    resolve_precision("bf16", cpu, lstm)
except ConfigError as error:
    print(error)
"""
GOOD, OVERFLOW = torch.tensor(0.0), torch.tensor(1.0)


def test_an_overflow_halves_the_scale_and_starts_counting_anew():
    scale = LossScale(CPU, LossScaleState(1024.0, 1500))
    scale.after_step(OVERFLOW)
    assert scale.state() == LossScaleState(512.0, 0)


def test_two_thousand_good_steps_double_it():
    scale = LossScale(CPU, LossScaleState(1024.0, 0))
    for _ in range(1999):
        scale.after_step(GOOD)
    assert scale.state().factor == 1024.0
    scale.after_step(GOOD)
    assert scale.state() == LossScaleState(2048.0, 0)


def test_gradients_come_back_to_their_own_size():
    gradients = [torch.tensor([3.0, -0.5]), torch.tensor([[8.0]])]
    LossScale(CPU, LossScaleState(4.0, 0)).unscale(gradients)
    assert [gradient.tolist() for gradient in gradients] == [[0.75, -0.125], [[2.0]]]


def test_float16_is_for_cuda():
    with pytest.raises(ConfigError, match="--precision fp16 is for CUDA devices, not for cpu"):
        resolve_precision("fp16", CPU, ModelConfig())
    assert precision_on_resuming("fp16", CPU, ModelConfig()) in ("fp32", "bf16")
    assert precision_on_resuming("fp32", CPU, ModelConfig()) == "fp32"


@pytest.mark.slow
@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="needs oneDNN")
def test_a_processor_without_bfloat16_refuses_it_and_goes_on_in_float32():
    # The environment makes oneDNN take this processor for one without AVX-512.
    env = {**os.environ, "ONEDNN_MAX_CPU_ISA": "AVX2"}
    command = [sys.executable, "-c", WITHOUT_BFLOAT16]
    lines = subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout.splitlines()
    assert lines == [
        "fp32 fp32 fp32",
        "bf16 bf16 bf16",
        "--precision bf16 with the cell lstm needs a processor with AVX-512; leave it out, or take fp32.",
    ]
