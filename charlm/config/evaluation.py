"""How texts are scored, and models that read their own output."""

from charlm.config.section import Section, setting
from charlm.config.types import Seed, Weights


class EvaluationConfig(Section):
    """How a text is scored."""

    context: int | None = setting(
        None, ge=1, help="Score windows of this many symbols, each from a zero state.  [default: carry state]"
    )
    weights: Weights = setting(
        "float32", help="int8 also scores the model with the weights that charlm sample --weights int8 uses."
    )


class SurprisalConfig(Section):
    """What is shown of each symbol of a text."""

    context: int | None = setting(
        None, ge=1, help="Read windows of this many symbols, each from a zero state.  [default: carry state]"
    )
    top: int | None = setting(
        None,
        ge=0,
        le=1000,
        help="Show so many of the likeliest symbols at each place.  [default: 5 for --json and --html]",
    )


class ExposureConfig(Section):
    """How far a model is let read its own output."""

    prefix: int = setting(64, ge=1, le=100_000, help="True symbols that the model reads first.")
    positions: int = setting(100, ge=1, le=10_000, help="Symbols that the model then draws.")
    texts: int = setting(256, ge=1, le=65536, help="Number of places in the text to start from.")
    seed: Seed = setting(1, help="Seed of the draws.")
