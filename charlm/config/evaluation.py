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
        Weights, Field(description="int8 scores the model as --weights int8 samples it, beside the exact one.")
    ] = "float32"


class ExposureConfig(Section):
    """How far a model is let read its own output."""

    prefix: Annotated[int, Field(ge=1, le=100_000, description="True symbols that it reads before.")] = 64
    positions: Annotated[int, Field(ge=1, le=10_000, description="Symbols that it then draws itself.")] = 100
    texts: Annotated[int, Field(ge=1, le=65536, description="Places of the text to begin at.")] = 256
    seed: Annotated[int, Field(ge=0, lt=2**63, description="Seed of what is drawn.")] = 1
