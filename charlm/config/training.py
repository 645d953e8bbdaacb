"""`training`: the optimisation, its length, and what guards it."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from charlm.config.section import Section
from charlm.config.types import Probability, written
from charlm.notation import Duration, parse_forcing, parse_seconds

DEFAULT_BUDGET = "3m"
"""The time for a training of which no length was given."""

_MOST_STEPS = 10**15


class TrainingConfig(Section):
    """The optimisation: batches, steps, learning rate, and what guards them."""

    steps: Annotated[
        int | None, Field(ge=1, le=_MOST_STEPS, description="Length of the training in optimizer steps.")
    ] = None
    epochs: Annotated[
        float | None, Field(gt=0, le=1e6, description="Length of the training in passes over the text.")
    ] = None
    budget: Annotated[
        Annotated[str, written(parse_seconds)] | None,
        Field(
            description="Time for the whole command: 90s, 5m, 2h. Chooses the sizes that suit it.  "
            f"[default: {DEFAULT_BUDGET}]"
        ),
    ] = None
    batch_size: Annotated[
        int, Field(ge=1, le=1_000_000, description="Parallel sequences in each step; chosen for a --budget.")
    ] = 32
    sequence_length: Annotated[
        int, Field(ge=1, le=1_000_000, description="Symbols that gradients flow back through; chosen for a --budget.")
    ] = 64
    random_length: Annotated[bool, Field(description="Vary the window length at random around its mean.")] = False
    accumulation: Annotated[
        int, Field(ge=1, description="Number of parts in which a batch is computed: less memory, the same gradient.")
    ] = 1
    lane_groups: Annotated[
        int | None,
        Field(
            ge=1,
            description="Parts in which a batch is computed side by side, each on one thread; 1: every product on all "
            "threads.  [default: 16 sequences a part; with --budget, a part for each thread]",
        ),
    ] = None
    learning_rate: Annotated[
        float | None,
        Field(gt=0, description="Peak learning rate.  [default: by cell and width, 0.03 for 192 LSTM units]"),
    ] = None
    final_learning_rate: Annotated[
        float, Field(ge=0, le=1, description="Learning rate at the end, as a share of the peak.")
    ] = 0.01
    warmup_steps: Annotated[
        int, Field(ge=0, le=_MOST_STEPS, description="Steps over which the learning rate rises.")
    ] = 100
    weight_decay: Annotated[float, Field(ge=0, description="Decoupled weight decay on matrices.")] = 0.1
    beta1: Annotated[Probability, Field(description="AdamW's decay of the mean gradient.")] = 0.8
    beta2: Annotated[Probability, Field(description="AdamW's decay of the squared gradient.")] = 0.99
    clip_norm: Annotated[
        float, Field(ge=0, le=1e30, description="Largest norm of the whole gradient; 0 turns clipping off.")
    ] = 1.0
    clip_value: Annotated[
        float | None, Field(gt=0, le=1e30, description="Clip each gradient component to this, instead of the norm.")
    ] = None
    teacher_forcing: Annotated[
        str,
        written(parse_forcing),
        Field(
            description="Share of inputs that are the true symbol; the others are drawn from the model "
            "(scheduled sampling, Bengio et al. 2015). always; linear:E or exponential:E, which fall "
            "to E; or inverse-sigmoid:K."
        ),
    ] = "always"
    average: Annotated[
        Probability | None, Field(description="Decay of an exponential moving average of the weights.")
    ] = None
    evaluations: Annotated[
        int,
        Field(ge=1, le=_MOST_STEPS, description="Evaluations on the validation text, evenly spaced over the training."),
    ] = 10
    patience: Annotated[
        int | None, Field(ge=1, le=_MOST_STEPS, description="Stop after this many evaluations without improvement.")
    ] = None
    save_every: Annotated[str, written(parse_seconds), Field(description="Longest time between two checkpoints.")] = (
        "60s"
    )
    rollbacks: Annotated[
        int,
        Field(
            ge=0,
            le=100,
            description="How often training may return to its last saved state, with half the learning rate, "
            "after a loss spike or ten steps in a row that are not finite.",
        ),
    ] = 0
    keep: Annotated[
        int,
        Field(ge=0, le=1000, description="Number of earlier training states to keep for --resume."),
    ] = 1

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        given = [name for name in ("steps", "epochs", "budget") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} both set the length of the training; give one of them")
        for name in ("accumulation", "lane_groups"):
            parts = getattr(self, name)
            if parts is not None and parts > self.batch_size:
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

    def with_steps(self, steps: int) -> "TrainingConfig":
        """Returns the settings with a length of so many steps."""
        return self.model_copy(update={"steps": steps, "epochs": None, "budget": None})
