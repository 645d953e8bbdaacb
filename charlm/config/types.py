"""Types that several sections share."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

_DEVICE = re.compile(r"auto|cpu|mps|cuda(:\d{1,3})?")


def _is_device(name: str) -> str:
    if not _DEVICE.fullmatch(name):
        raise ValueError(f"{name!r} is not a device; it should be auto, cpu, cuda, cuda:N or mps")
    return name


Device = Annotated[str, AfterValidator(_is_device)]
Precision = Literal["auto", "fp32", "bf16", "fp16"]
Weights = Literal["float32", "int8"]
ModelKind = Literal["recurrent", "mlp", "ngram"]
Cell = Literal["lstm", "lstm-peephole", "st-lstm", "gru", "gru-reset-before", "gru-simple", "rnn", "jordan"]
Nonlinearity = Literal["tanh", "relu", "sigmoid"]
Init = Literal["default", "identity", "orthogonal", "gaussian"]
Probability = Annotated[float, Field(ge=0.0, lt=1.0)]
