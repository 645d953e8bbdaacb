"""How texts are scored, and models that read their own output."""

from typing import Annotated

from pydantic import Field

from charlm.config.section import Section
from charlm.config.types import Weights


class EvaluationConfig(Section):
    """How a text is scored."""

    context: Annotated[
        int | None,
        Field(ge=1, description="Score windows of this many symbols, each from a zero state.  [default: carry state]"),
    ] = None
    weights: Annotated[
        Weights,
        Field(description="int8 also scores the model with the weights that charlm sample --weights int8 uses."),
    ] = "float32"


class ExposureConfig(Section):
    """How far a model is let read its own output."""

    prefix: Annotated[int, Field(ge=1, le=100_000, description="True symbols that the model reads first.")] = 64
    positions: Annotated[int, Field(ge=1, le=10_000, description="Symbols that the model then draws.")] = 100
    texts: Annotated[int, Field(ge=1, le=65536, description="Number of places in the text to start from.")] = 256
    seed: Annotated[int, Field(ge=0, lt=2**63, description="Seed of the draws.")] = 1
