"""How text is drawn."""

from typing import Literal

from pydantic import Field, field_validator

from charlm.config.section import Section
from charlm.config.types import Weights


class SamplingConfig(Section):
    """How text is drawn from a model."""

    length: int = Field(
        default=500, ge=0, description="Characters to draw; 0 draws until an interrupt or the end of a record."
    )
    temperature: float = Field(
        default=0.8, ge=0, description="Randomness: 1 samples the model's distribution, 0 takes the likeliest symbol."
    )
    top_k: int | None = Field(default=None, ge=1, description="Draw only from the K likeliest symbols.")
    top_p: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="Draw only from the likeliest symbols that together have this probability.",
    )
    min_p: float | None = Field(
        default=None, ge=0, le=1, description="Drop symbols below this share of the likeliest one's probability."
    )
    seed: int | None = Field(
        default=None, ge=0, lt=2**63, description="Seed; the same seed draws the same text.  [default: random]"
    )
    num_samples: int = Field(default=1, ge=1, le=65536, description="Texts to draw; each one has the next seed.")
    stop: tuple[str, ...] = Field(default=(), description="End a text before this string; may be given several times.")
    unknown: Literal["error", "skip"] = Field(
        default="error", description="What to do with prompt characters the model does not know."
    )
    weights: Weights = Field(
        default="float32",
        description="int8 samples large models faster on the CPU, but starts about a second later and is "
        "slightly less exact; charlm eval perplexity RUN --weights int8 shows the difference.",
    )

    @field_validator("stop")
    @classmethod
    def _stop_is_not_empty(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if "" in value:
            raise ValueError("stop must not be an empty string")
        return value
