"""The result of one variant of a comparison."""

from dataclasses import dataclass

from charlm.evaluation.score import Score


@dataclass(frozen=True)
class VariantResult:
    """The result of one variant, finished or failed.

    Attributes:
        run: its run's folder, under the comparison's.
        layers: None for n-gram models, as is `hidden_size`.
        size: units of the first model, which it has as many parameters as; None where only one size was asked for.
        seconds: of training.
        validation: bits per character; None without such a text, or where the variant failed. `test` likewise.
        error: why it failed, one sentence; None where it did not.
    """

    run: str
    kind: str
    layers: int | None
    size: int | None = None
    hidden_size: int | None = None
    parameters: int | None = None
    steps: int | None = None
    seconds: float | None = None
    validation: float | None = None
    test: float | None = None
    error: str | None = None

    @property
    def bits(self) -> float | None:
        """Bits per character on the test text, or on the validation text where there is none."""
        return self.validation if self.test is None else self.test


def bits_of(score: Score | None) -> float | None:
    """Returns a score's bits per character."""
    return None if score is None else score.bits_per_character
