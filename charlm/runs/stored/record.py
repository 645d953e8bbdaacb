"""What the checkpoints of a run say: typed, validated when they are read; the only place that knows their keys.

A checkpoint is named tensors and JSON values. The values are those of a record, as `to_values` gives them; the
tensors are named below. Anybody may have written a file with a right checksum, so that everything is checked
before anything is built from it: types, finite numbers and ranges here, the tensors in tensors.py.
"""

from abc import ABC
from collections.abc import Mapping
from typing import Annotated, Any, Self, TypeVar, final

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, PlainValidator, ValidationError, model_validator
from pydantic_core import PydanticSerializationError, to_json

from charlm.cells import standing_alone
from charlm.config import RunConfig
from charlm.data.tokenizers.base import Tokenizer
from charlm.data.tokenizers.build import from_json
from charlm.data.tokenizers.examples import ExampleTokenizer
from charlm.errors import CheckpointError
from charlm.notation import LONGEST_SECONDS, Mix
from charlm.runs.stored.migrations import FORMAT, migrated
from charlm.training.state import Count, Progress, Seconds, TrainerState

MODEL, OPTIMIZER, AVERAGE, STATE = "model", "optimizer", "average", "state"
"""Sections of the tensors: the model's own names, the optimizer's, the averaged weights, the carried state."""
SYMBOL_COUNTS, DROPOUT = "corpus.symbol_counts", "rng.dropout"
"""How often each symbol is a target in the training text, int64 `[vocabulary]`; the dropout generator's state."""

_LONGEST_PROBLEM = 300

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Record(BaseModel):
    """Values of a checkpoint: immutable; unknown keys, other types, infinities and NaN are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


@final
class CorpusIdentity(Record):
    """Which text a run was trained on.

    Attributes:
        label: a short name for people.
        digest: its SHA-256.
        key: names what was encoded from it.
        split: how it was divided, for people.
    """

    label: str
    digest: Sha256
    key: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    split: str


@final
class Provenance(Record):
    """What a run was made with.

    Attributes:
        charlm, torch: their versions.
        initialized_from: the run whose weights it started from; None for none.
        identity: drawn at random for each run, so that files of two runs are told apart; None in runs of 0.1.0.
    """

    charlm: str
    torch: str
    corpus: CorpusIdentity
    initialized_from: str | None = None
    identity: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")] | None = None


@final
class TrainingPlan(Record):
    """Why a training is as long, and its model as large, as it is.

    Attributes:
        length: where the number of steps comes from, for people.
        is_replanned: whether it was changed on the way, to end on time.
        sizes: why the sizes were chosen, for people; None where they were asked for or are the defaults.
        seconds: time in which the training has to end, evaluations included; None where only steps count.
        most_steps: with which it ends although there may be time for more; None for no such number.
        ending_seconds: what follows the training, the scores above all, if nothing disturbs it.
        may_share: whether threads may share products of whole batches, where that is faster for a while.
        evaluation_seconds: what an evaluation was thought to take.
        evaluated_share: how much of the validation text an evaluation reads; the end always reads all of it.
        mix_on_trial: n-grams stay mixed in only if they help on the validation text.
        is_judged: whether that was found out, at the end of the training.
        stores_scores: whether the best model's file gets the final scores, as in runs since 0.2.
    """

    length: str
    is_replanned: bool = False
    sizes: str | None = None
    seconds: Annotated[float, Field(gt=0, le=LONGEST_SECONDS)] | None = None
    most_steps: Annotated[int, Field(ge=1, le=1 << 53)] | None = None
    ending_seconds: Seconds = 0.0
    may_share: bool = False
    evaluation_seconds: Seconds = 0.0
    evaluated_share: Annotated[float, Field(gt=0, le=1)] = 1.0
    mix_on_trial: bool = False
    is_judged: bool = False
    stores_scores: bool = False

    @property
    def length_in_words(self) -> str:
        """Where the number of steps comes from, and whether it was changed."""
        return f"{self.length}; planned anew on the way" if self.is_replanned else self.length

    @property
    def reasons(self) -> str:
        """Where the length and the sizes come from, a line each."""
        reasons = {"length": self.length_in_words, "sizes": self.sizes}
        return "\n".join(f"{name}: {reason}" for name, reason in reasons.items() if reason is not None)


def _to_tokenizer(value: Any) -> Tokenizer:
    return value if isinstance(value, Tokenizer) else from_json(value)


StoredTokenizer = Annotated[
    Tokenizer, PlainValidator(_to_tokenizer), PlainSerializer(lambda tokenizer: dict(tokenizer.to_json()))
]


class RunRecord(Record, ABC):
    """What every checkpoint of a run says.

    Attributes:
        step: optimizer steps done before it was written; 1 for counted models.
        plan: None for counted models, which are not trained.
    """

    provenance: Provenance
    plan: TrainingPlan | None = None
    step: Count
    config: RunConfig
    tokenizer: StoredTokenizer

    def to_values(self) -> dict[str, Any]:
        """Returns the record as JSON values; what is absent is left out."""
        return {"format": FORMAT, **self.model_dump(mode="json", exclude_none=True)}

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        config = self.config
        if (self.tokenizer.begin is not None) != (config.data.are_records):
            raise ValueError("only one of the tokenizer and the settings is for records")
        _require_task_fits(config, self.tokenizer)
        if config.model.model == "ngram" and self.plan is not None:
            raise ValueError("a counted model has no plan of a training")
        if config.model.model != "ngram" and (self.plan is None or config.training.steps is None):
            raise ValueError("the plan of the training is missing, or its number of steps")
        return self

    def without_mix(self) -> Self:
        """Returns the record of the network alone."""
        model = self.config.model.model_copy(update={"mix": Mix(None), "mixing": None})
        return self.model_copy(update={"config": self.config.model_copy(update={"model": model})})


def _require_task_fits(config: RunConfig, tokenizer: Tokenizer) -> None:
    task = tokenizer.task if isinstance(tokenizer, ExampleTokenizer) else None
    if config.data.task != task:
        raise ValueError(f"the settings are of the task {config.data.task}, the tokenizer of {task}")
    if tokenizer.outputs is None:
        if config.model.direction == "both":
            raise ValueError("a language model reads forward only")
    elif config.model.model != "recurrent" or config.model.cell not in standing_alone() or config.model.mixed_order:
        raise ValueError("no such model labels examples")


StoredScore = dict[str, Annotated[int, Field(ge=0, le=1 << 62)] | Annotated[float, Field(ge=0, lt=1e300)] | None]
"""A score, as `Score.to_json` gives it."""


@final
class FinalScores(Record):
    """The scores of the best model when its training had ended, each on the whole text.

    Attributes:
        validation: None without such a text; `test` likewise.
        exact: whether each text was read as one stream.
    """

    validation: StoredScore | None = None
    test: StoredScore | None = None
    exact: bool


@final
class ModelRecord(RunRecord):
    """What `best.safetensors` says: the model with the lowest loss on the validation text.

    Attributes:
        validation: its score there at the evaluation that it was kept after; None without such a text.
        final: its scores at the end; None before it, and in runs of older versions.
    """

    validation: StoredScore | None = None
    final: FinalScores | None = None


@final
class StateRecord(RunRecord):
    """What `last.safetensors` says: all that going on needs.

    Attributes:
        metrics: the digest of the lines of metrics up to it; None in runs of older versions.
    """

    plan: TrainingPlan
    trainer: TrainerState
    progress: Progress
    metrics: Sha256 | None = None

    @property
    def total_steps(self) -> int:
        """Steps that the training has in all, as planned last."""
        return self.trainer.legs[-1].total_steps

    @property
    def stopped_early(self) -> bool:
        """Whether the training has ended for want of improvement."""
        patience = self.config.training.patience
        return patience is not None and self.progress.stale >= patience

    @property
    def is_finished(self) -> bool:
        """Whether the training has ended, and its mix on trial, if there is one, was judged."""
        has_ended = self.step >= self.total_steps or self.stopped_early
        return has_ended and (self.plan.is_judged or not self.plan.mix_on_trial)

    @model_validator(mode="after")
    def _is_of_a_training(self) -> Self:
        if self.step != self.trainer.step:
            raise ValueError(f"the trainer has done {self.trainer.step} steps, the run {self.step}")
        training = self.config.training
        if training.steps is None or training.learning_rate is None or self.config.run.precision == "auto":
            raise ValueError("the number of steps, the learning rate or the precision is open")
        starts = [leg.first_step for leg in self.trainer.legs]
        if starts[0] != 0 or starts != sorted(starts):
            raise ValueError("the trainer's legs do not follow one another")
        if self.plan.mix_on_trial and self.config.model.mixed_order is None:
            raise ValueError("n-grams are on trial, but none are mixed in")
        return self


_SomeRecord = TypeVar("_SomeRecord", ModelRecord, StateRecord)


def read_record(kind: type[_SomeRecord], values: Mapping[str, Any], *, source: str) -> _SomeRecord:
    """Returns the record in a checkpoint's values, by any version of charlm; others are a CheckpointError."""
    known = migrated(values, source=source)
    try:
        # As JSON: only so does strictness let lists be tuples and objects be dataclasses, and nothing else.
        written = to_json({key: known[key] for key in kind.model_fields if key in known})
        return kind.model_validate_json(written, strict=True)
    except PydanticSerializationError:
        raise CheckpointError(f"'{source}' does not hold what charlm stores: it has half of a character.") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"] if not str(part).startswith("function-"))
        problem = str(first["ctx"]["error"]) if first["type"] == "value_error" else first["msg"].lower()
        # In one line of bounded length, however much of the file it quotes.
        shown = " ".join(f"{where}: {problem}".removeprefix(": ").split())[:_LONGEST_PROBLEM]
        raise CheckpointError(f"'{source}' does not hold what charlm stores: {shown}.") from None


def adapted_model(record: RunRecord) -> dict[str, Any]:
    """Returns what tells the models that adaptations are of apart: those of runs, and of one run at different steps."""
    provenance = record.provenance
    return {
        "run": provenance.identity,
        "step": record.step,
        "text": provenance.corpus.digest,
        "settings": record.config.model.model_dump(mode="json"),
    }


def section(tensors: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Returns the tensors named `name.*`, without that prefix."""
    prefix = f"{name}."
    return {key.removeprefix(prefix): tensor for key, tensor in tensors.items() if key.startswith(prefix)}


def network_alone(tensors: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the tensors of a mixed model without its n-grams and its gate, as if its network had been alone."""
    network = {f"{MODEL}.{name}": tensor for name, tensor in section(tensors, f"{MODEL}.network").items()}
    return network | {SYMBOL_COUNTS: tensors[SYMBOL_COUNTS]}
