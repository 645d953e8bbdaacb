"""Types that several sections share."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from charlm.cells import CELLS, cell_names
from charlm.notation import quoted
from charlm.tasks import TASKS, task_names

_DEVICE = re.compile(r"auto|cpu|mps|cuda(:\d{1,3})?")


def written(parse: Callable[[str], object]) -> AfterValidator:
    """Returns what refuses a text that `parse` cannot read, and keeps it as it was written."""

    def check(text: str) -> str:
        parse(text)
        return text

    return AfterValidator(check)


def _is_device(name: str) -> str:
    if not _DEVICE.fullmatch(name):
        raise ValueError(f"{quoted(name)} is not a device; it should be auto, cpu, cuda, cuda:N or mps")
    return name


def _is_cell(name: str) -> str:
    if name not in CELLS:
        raise ValueError(f"{quoted(name)} is not a recurrent cell; there are {', '.join(CELLS)}")
    return name


def _is_task(name: str) -> str:
    if name not in TASKS:
        raise ValueError(f"{quoted(name)} is not a task; there are {', '.join(TASKS)}")
    return name


@dataclass(frozen=True)
class Choices:
    """Marks a text setting that takes a few values, for the help, the completion and the docs to list.

    Attributes:
        values: returns them.
    """

    values: Callable[[], tuple[str, ...]]


Device = Annotated[str, AfterValidator(_is_device)]
Precision = Literal["auto", "fp32", "bf16", "fp16"]
Weights = Literal["float32", "int8"]

Mixing = Literal["log-linear", "linear"]

Adapt = Literal["counts", "full"]
ModelKind = Literal["recurrent", "mlp", "ngram"]
CellName = Annotated[str, AfterValidator(_is_cell), Choices(cell_names)]
TaskName = Annotated[str, AfterValidator(_is_task), Choices(task_names)]
Nonlinearity = Literal["tanh", "relu", "sigmoid"]
Feedback = Literal["output", "target"]
Init = Literal["default", "identity", "orthogonal", "gaussian"]
Probability = Annotated[float, Field(ge=0.0, lt=1.0)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]
Size = Annotated[int, Field(ge=1, le=1_000_000)]
StepCount = Annotated[int, Field(ge=1, le=10**15)]
Width = Annotated[int, Field(ge=1, le=65536)]
