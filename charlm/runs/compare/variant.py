"""One model of a comparison."""

from dataclasses import dataclass

from charlm.config import ModelConfig, TrainingConfig


@dataclass(frozen=True)
class Variant:
    """One model of a comparison.

    Attributes:
        name: of its run.
        kind: as it was asked for: lstm, mlp, ngram:5, …, with the settings that a grid gives it.
        layers: None for n-gram models.
        size: units of the first model, which it has as many parameters as; None where only one size is asked for.
        training: None for that of all.
        asked: the settings that a grid gives it.
        seed: None for that of all.
    """

    name: str
    kind: str
    layers: int | None
    model: ModelConfig
    size: int | None = None
    training: TrainingConfig | None = None
    asked: frozenset[str] = frozenset()
    seed: int | None = None
