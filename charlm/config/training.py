"""`training`: the optimisation, its length, and what guards it."""

from typing import Annotated, Self

from pydantic import model_validator

from charlm.config.section import Search, Section, setting
from charlm.config.types import Probability, Size, StepCount, written
from charlm.notation import Duration, parse_forcing, parse_seconds

DEFAULT_BUDGET = "3m"
"""The time for a training of which no length was given."""


class TrainingConfig(Section):
    """The optimisation: batches, steps, learning rate, and what guards them."""

    steps: StepCount | None = setting(None, help="Length of the training in optimizer steps.")
    epochs: float | None = setting(None, gt=0, le=1e6, help="Length of the training in passes over the text.")
    budget: Annotated[str, written(parse_seconds)] | None = setting(
        None,
        help="Time of a training, from its start to its last score: 90s, 5m, 2h. Chooses the sizes that suit it.  "
        f"[default: {DEFAULT_BUDGET}]",
    )
    batch_size: Annotated[Size, Search(around=2, multiple=8)] = setting(
        32, help="Parallel sequences in each step; chosen for a --budget."
    )
    sequence_length: Annotated[Size, Search(around=2, multiple=8)] = setting(
        64, help="Symbols that gradients flow back through; chosen for a --budget."
    )
    random_length: bool = setting(False, help="Vary the window length at random around its mean.")
    accumulation: int = setting(
        1, ge=1, help="Number of parts in which a batch is computed: less memory, the same gradient."
    )
    lane_groups: int | None = setting(
        None,
        ge=1,
        help="Parts in which a batch is computed side by side, each on one thread; 1: every product on all threads.  "
        "[default: 32 sequences a part, but at least two parts; with a --budget, one for each thread, or 1 while "
        "that is faster]",
    )
    learning_rate: Annotated[float | None, Search(around=3)] = setting(
        None, gt=0, help="Peak learning rate.  [default: by cell and width, 0.03 for 192 LSTM units]"
    )
    final_learning_rate: float = setting(0.01, ge=0, le=1, help="Learning rate at the end, as a share of the peak.")
    warmup_steps: int = setting(100, ge=0, le=10**15, help="Steps over which the learning rate rises.")
    weight_decay: Annotated[float, Search(around=5)] = setting(0.1, ge=0, help="Decoupled weight decay on matrices.")
    beta1: Probability = setting(0.8, help="AdamW's decay of the mean gradient.")
    beta2: Probability = setting(0.99, help="AdamW's decay of the squared gradient.")
    clip_norm: float = setting(1.0, ge=0, le=1e30, help="Largest norm of the whole gradient; 0 turns clipping off.")
    clip_value: float | None = setting(
        None, gt=0, le=1e30, help="Clip each gradient component to this, instead of the norm."
    )
    teacher_forcing: Annotated[str, written(parse_forcing)] = setting(
        "always",
        help="Share of inputs that are the true symbol; the others are drawn from the model "
        "(scheduled sampling, Bengio et al. 2015). always; linear:E or exponential:E, which fall "
        "to E; or inverse-sigmoid:K.",
    )
    average: Probability | None = setting(None, help="Decay of an exponential moving average of the weights.")
    average_after: StepCount | None = setting(
        None,
        help="Average the weights, all steps alike, from the evaluation on that is worse than the best one at least so "
        "many before it (Merity et al. 2018).",
    )
    evaluations: StepCount = setting(10, help="Evaluations on the validation text, evenly spaced over the training.")
    patience: StepCount | None = setting(None, help="Stop after this many evaluations without improvement.")
    save_every: Annotated[str, written(parse_seconds)] = setting("60s", help="Longest time between two checkpoints.")
    rollbacks: int = setting(
        0,
        ge=0,
        le=100,
        help="How often training may return to its last saved state, with half the learning rate, "
        "after a loss spike or ten steps in a row that are not finite.",
    )
    keep: int = setting(1, ge=0, le=1000, help="Number of earlier training states to keep for --resume.")

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        given = [name for name in ("steps", "epochs", "budget") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} both set the length of the training; give one of them")
        if self.average is not None and self.average_after is not None:
            raise ValueError("average and average_after are two averages of the weights; give one of them")
        for name in ("accumulation", "lane_groups"):
            parts = getattr(self, name) or 1
            if parts > self.batch_size:
                raise ValueError(f"{name} {parts} is larger than batch_size {self.batch_size}")
        return self

    @property
    def duration(self) -> Duration:
        """How long the training is to be: as given, or the default budget."""
        if self.steps is not None:
            return Duration(self.steps, "steps")
        if self.epochs is not None:
            return Duration(self.epochs, "epochs")
        return Duration(parse_seconds(self.budget or DEFAULT_BUDGET), "seconds")
