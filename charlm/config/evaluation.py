"""How texts are scored, and models that read their own output."""

from pydantic import Field

from charlm.config.section import Section
from charlm.config.types import Weights


class EvaluationConfig(Section):
    """How a text is scored."""

    context: int | None = Field(
        default=None,
        ge=1,
        description="Score windows of this many symbols, each from a zero state.  [default: carry state]",
    )
    weights: Weights = Field(
        default="float32",
        description="int8 also scores the model with the weights that charlm sample --weights int8 uses.",
    )


class ExposureConfig(Section):
    """How far a model is let read its own output."""

    prefix: int = Field(default=64, ge=1, le=100_000, description="True symbols that the model reads first.")
    positions: int = Field(default=100, ge=1, le=10_000, description="Symbols that the model then draws.")
    texts: int = Field(default=256, ge=1, le=65536, description="Number of places in the text to start from.")
    seed: int = Field(default=1, ge=0, lt=2**63, description="Seed of the draws.")
