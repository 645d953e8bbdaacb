"""How text is drawn."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from charlm.config.section import Section
from charlm.config.types import Weights


class SamplingConfig(Section):
    """How text is drawn from a model."""

    length: Annotated[
        int, Field(ge=0, description="Characters to draw; 0 draws until an interrupt or the end of a record.")
    ] = 500
    temperature: Annotated[
        float,
        Field(
            ge=0,
            description="Randomness: 1 samples the model's distribution, 0 takes the likeliest symbol.",
        ),
    ] = 0.8
    top_k: Annotated[int | None, Field(ge=1, description="Draw only from the K likeliest symbols.")] = None
    top_p: Annotated[
        float | None,
        Field(gt=0, le=1, description="Draw only from the likeliest symbols that together have this probability."),
    ] = None
    min_p: Annotated[
        float | None, Field(ge=0, le=1, description="Drop symbols below this share of the likeliest one's probability.")
    ] = None
    seed: Annotated[
        int | None, Field(ge=0, lt=2**63, description="Seed; the same seed draws the same text.  [default: random]")
    ] = None
    num_samples: Annotated[int, Field(ge=1, le=65536, description="Texts to draw; each one has the next seed.")] = 1
    stop: Annotated[
        tuple[str, ...], Field(description="End a text before this string; may be given several times.")
    ] = ()
    unknown: Annotated[
        Literal["error", "skip"], Field(description="What to do with prompt characters the model does not know.")
    ] = "error"
    weights: Annotated[
        Weights,
        Field(
            description="int8 samples large models faster on the CPU, but starts about a second later and is "
            "slightly less exact; charlm eval perplexity RUN --weights int8 shows the difference."
        ),
    ] = "float32"

    @field_validator("stop")
    @classmethod
    def _stop_is_not_empty(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if "" in value:
            raise ValueError("stop must not be an empty string")
        return value
