"""How text is drawn."""

from typing import Literal

from pydantic import field_validator

from charlm.config.section import Section, setting
from charlm.config.types import Seed, Weights


class SamplingConfig(Section):
    """How text is drawn from a model."""

    length: int = setting(500, ge=0, help="Characters to draw; 0 draws until an interrupt or the end of a record.")
    temperature: float = setting(
        0.8, ge=0, help="Randomness: 1 samples the model's distribution, 0 takes the likeliest symbol."
    )
    top_k: int | None = setting(None, ge=1, help="Draw only from the K likeliest symbols.")
    top_p: float | None = setting(
        None, gt=0, le=1, help="Draw only from the likeliest symbols that together have this probability."
    )
    min_p: float | None = setting(
        None, ge=0, le=1, help="Drop symbols below this share of the likeliest one's probability."
    )
    seed: Seed | None = setting(None, help="Seed; the same seed draws the same text.  [default: random]")
    num_samples: int = setting(1, ge=1, le=65536, help="Texts to draw; each one has the next seed.")
    stop: tuple[str, ...] = setting((), help="End a text before this string; may be given several times.")
    unknown: Literal["error", "skip"] = setting(
        "error", help="What to do with prompt characters the model does not know."
    )
    weights: Weights = setting(
        "float32",
        help="int8 samples large models faster on the CPU, but starts about a second later and is "
        "slightly less exact; charlm eval perplexity RUN --weights int8 shows the difference.",
    )

    @field_validator("stop")
    @classmethod
    def _stop_is_not_empty(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if "" in value:
            raise ValueError("stop must not be an empty string")
        return value
