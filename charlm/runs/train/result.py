"""The result of a training."""

from dataclasses import dataclass
from pathlib import Path

from charlm.config import ModelKind
from charlm.evaluation.baselines import Baseline
from charlm.evaluation.score import Score
from charlm.training.loop import Outcome

FINAL_SAMPLE_CHARACTERS = 500


@dataclass(frozen=True)
class TrainResult:
    """The result of a training.

    Attributes:
        kind: what kind of model it is.
        parameters: weights, or grams.
        steps: steps done in all; `total_steps` were planned.
        seconds: time spent training in all sessions, evaluations included.
        characters_per_second: characters trained on, by that time.
        sample: a text drawn from the best model.
        validation: score of the best model; None without such a text, or when interrupted. `test` likewise.
        exact: whether each score read its text as one stream.
        baselines: the uniform and the unigram model on the same texts.
    """

    run: Path
    name: str
    kind: ModelKind
    parameters: int
    steps: int
    total_steps: int
    seconds: float
    characters_per_second: float
    sample: str
    outcome: Outcome = "finished"
    validation: Score | None = None
    test: Score | None = None
    exact: bool = True
    baselines: tuple[Baseline, ...] = ()

    @property
    def interrupted(self) -> bool:
        """Whether it was stopped before its end and can be resumed."""
        return self.outcome == "interrupted"

    @property
    def stopped_early(self) -> bool:
        """Whether it ended for lack of improvement."""
        return self.outcome == "stopped early"
