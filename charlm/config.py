"""Every setting, declared once: type, bounds, help and default; options, files and docs derive from it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from charlm.cells import CELLS, cell_names, standing_alone, with_keeping_gate, with_setting
from charlm.errors import ConfigError
from charlm.notation import parse_duration, parse_forcing, parse_size, parse_split

_DEVICE = re.compile(r"auto|cpu|mps|cuda(:\d{1,3})?")
_RUN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")


def _is_device(name: str) -> str:
    if not _DEVICE.fullmatch(name):
        raise ValueError(f"{name!r} is not a device; it should be auto, cpu, cuda, cuda:N or mps")
    return name


def _is_run_name(name: str) -> str:
    if not _RUN_NAME.fullmatch(name):
        raise ValueError(f"{name!r} cannot name a run; use up to 100 letters, digits, '.', '_' and '-', no '.' first")
    return name


def _is_cell(name: str) -> str:
    if name not in CELLS:
        raise ValueError(f"{name!r} is not a recurrent cell; there are {', '.join(CELLS)}")
    return name


@dataclass(frozen=True)
class Choices:
    """Marks a text setting that takes a few values, for the help, the completion and the docs to list.

    Attributes:
        values: returns them.
    """

    values: Callable[[], tuple[str, ...]]


Device = Annotated[str, AfterValidator(_is_device)]
Precision = Literal["auto", "fp32", "bf16", "fp16"]
Weights = Literal["float32", "int8"]
ModelKind = Literal["recurrent", "mlp", "ngram"]
CellName = Annotated[str, AfterValidator(_is_cell), Choices(cell_names)]
Nonlinearity = Literal["tanh", "relu", "sigmoid"]
Feedback = Literal["output", "target"]
Init = Literal["default", "identity", "orthogonal", "gaussian"]
Probability = Annotated[float, Field(ge=0.0, lt=1.0)]

_MIX = re.compile(r"none|ngram:([1-9]|1\d|2[0-4])")


def mixed_order(mix: str | None) -> int | None:
    """Returns the order of the n-gram model that a setting such as 'ngram:8' mixes in; None for none."""
    return None if mix in (None, "none") else int(mix.removeprefix("ngram:"))


class Section(BaseModel):
    """A group of settings: immutable, unknown keys, infinities and NaN refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


@dataclass(frozen=True)
class Only:
    """Marks a setting that means something for some values of another one of its section only.

    Attributes:
        setting: the other setting.
        values: those of its values, or what returns them.
    """

    setting: str
    values: tuple[str, ...] | Callable[[], tuple[str, ...]]

    def listed(self) -> tuple[str, ...]:
        """Returns those of its values."""
        return self.values() if callable(self.values) else self.values


class DataConfig(Section):
    """Which text, how it is read, and how it is split."""

    corpus: Annotated[
        tuple[str, ...],
        Field(min_length=1, description="Files, folders, globs, '-' for stdin, or a name from 'charlm data list'."),
    ]
    valid: Annotated[tuple[str, ...], Field(description="Validation text of its own, instead of a split.")] = ()
    test: Annotated[tuple[str, ...], Field(description="Test text of its own, instead of a split.")] = ()
    split: Annotated[
        str | None,
        Field(
            description="Percent of the text for train/valid/test, contiguous.  [default: 90/5/5, or the corpus's own]"
        ),
    ] = None
    pattern: Annotated[str, Field(min_length=1, description="Which files of a folder are read, recursively.")] = "*.txt"
    encoding: Annotated[str, Field(min_length=1, description="Encoding of the text, or 'auto' to detect it.")] = "utf-8"
    newlines: Annotated[
        Literal["keep", "lf"], Field(description="Keep line ends as they are, or turn CRLF and CR into LF.")
    ] = "keep"
    normalize: Annotated[Literal["none", "nfc", "nfkc"], Field(description="Unicode normalisation of the text.")] = (
        "none"
    )
    records: Annotated[
        Literal["none", "lines"],
        Field(description="'lines': each line is one example with a begin and an end (names, verses)."),
    ] = "none"

    max_bytes: Annotated[
        str, Field(description="Most that a compressed file may unpack to: 500MB, 20GB. More is taken for a bomb.")
    ] = "8GB"

    @field_validator("corpus", "valid", "test")
    @classmethod
    def _names_are_utf8(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            shown = name.encode(errors="replace").decode()
            if shown != name:
                raise ValueError(
                    f"the name {shown!r} is not UTF-8 and cannot be stored with a run; rename the file, or pipe it in: "
                    "charlm train - < FILE"
                )
        return value

    @field_validator("max_bytes")
    @classmethod
    def _is_size(cls, value: str) -> str:
        parse_size(value)
        return value

    @field_validator("split")
    @classmethod
    def _split_is_valid(cls, value: str | None) -> str | None:
        if value is not None:
            parse_split(value)
        return value

    @model_validator(mode="after")
    def _split_or_files(self) -> Self:
        if self.split is not None and (self.valid or self.test):
            raise ValueError("split cannot be combined with valid or test files; give one or the other")
        if [*self.corpus, *self.valid, *self.test].count("-") > 1:
            raise ValueError("stdin ('-') can be read only once")
        return self


class TokenizerConfig(Section):
    """How text becomes symbols."""

    tokenizer: Annotated[
        Literal["char", "byte", "sentencepiece"],
        Field(description="Symbols: Unicode characters, UTF-8 bytes, or sentencepiece subwords."),
    ] = "char"
    vocabulary_size: Annotated[
        int, Field(ge=1, le=1_000_000, description="Symbols that sentencepiece learns at most.")
    ] = 1000
    sentencepiece_model: Annotated[
        Literal["unigram", "bpe"], Field(description="Which kind of sentencepiece model is learnt.")
    ] = "unigram"


_OF_NETWORKS = Only("model", ("recurrent", "mlp"))
_OF_RECURRENT = Only("model", ("recurrent",))
_OF_WINDOWS = Only("model", ("mlp",))
_OF_NGRAMS = Only("model", ("ngram",))


class ModelConfig(Section):
    """What kind of model, its shape and its regularisation."""

    model: Annotated[
        ModelKind,
        Field(
            description="A recurrent network; a feed-forward one that sees the last --window symbols; or an n-gram "
            "model, which is counted in seconds instead of trained."
        ),
    ] = "recurrent"
    window: Annotated[
        int, _OF_WINDOWS, Field(ge=1, le=1024, description="Symbols that the feed-forward network sees.")
    ] = 8
    order: Annotated[int, _OF_NGRAMS, Field(ge=1, le=24, description="Symbols in an n-gram model's longest grams.")] = 7
    smoothing: Annotated[
        Literal["kneser-ney", "witten-bell"],
        _OF_NGRAMS,
        Field(description="How an n-gram model mixes its orders: modified Kneser-Ney, or Witten-Bell."),
    ] = "kneser-ney"
    cell: Annotated[CellName, _OF_RECURRENT, Field(description="Recurrent cell.")] = "lstm"
    nonlinearity: Annotated[
        Nonlinearity,
        Only("cell", partial(with_setting, "nonlinearity")),
        Field(description="Activation of the rnn and jordan cells (the others have their own)."),
    ] = "tanh"
    feedback: Annotated[
        Feedback,
        Only("cell", partial(with_setting, "feedback")),
        Field(
            description="What comes back into a jordan cell: its own last output distribution, or, teacher-forced, the "
            "symbol that came."
        ),
    ] = "output"
    init: Annotated[
        Init,
        _OF_RECURRENT,
        Only("cell", standing_alone),
        Field(
            description="First recurrent matrices: orthogonal gate by gate (default and orthogonal), the identity "
            "(Le et al. 2015), or gaussian with variance --init-variance / hidden size."
        ),
    ] = "default"
    init_variance: Annotated[
        float,
        Only("init", ("gaussian",)),
        Field(gt=0, le=1000, description="k of a recurrent matrix whose entries have variance k / hidden size."),
    ] = 1.0
    forget_bias: Annotated[
        float | None,
        Only("cell", with_keeping_gate),
        Field(
            ge=-100,
            le=100,
            description="First bias of the gates that keep the past: forget gates of an LSTM, update gates of a GRU.  "
            "[default: 1 for LSTMs, 0 for GRUs]",
        ),
    ] = None
    hidden_size: Annotated[
        int, _OF_NETWORKS, Field(ge=1, le=65536, description="Units in each layer; chosen for a --budget.")
    ] = 192
    num_layers: Annotated[int, _OF_NETWORKS, Field(ge=1, le=256, description="Recurrent or hidden layers.")] = 2
    embedding_size: Annotated[
        int | None,
        _OF_NETWORKS,
        Field(
            ge=1, le=65536, description="Numbers in a symbol's embedding.  [default: as --hidden-size; 64 in an mlp]"
        ),
    ] = None
    dropout: Annotated[
        Probability | None,
        _OF_NETWORKS,
        Field(
            description="Dropout on the embedding, between layers and before the output.  "
            "[default: 0.05 to 0.25, the more epochs the more]"
        ),
    ] = None
    embedding_dropout: Annotated[
        Probability | None, _OF_NETWORKS, Field(description="Dropout on the embedding alone.  [default: as --dropout]")
    ] = None
    layer_dropout: Annotated[
        Probability | None, _OF_NETWORKS, Field(description="Dropout between layers alone.  [default: as --dropout]")
    ] = None
    output_dropout: Annotated[
        Probability | None, _OF_NETWORKS, Field(description="Dropout before the output alone.  [default: as --dropout]")
    ] = None
    dropout_kind: Annotated[
        Literal["element", "variational"],
        _OF_NETWORKS,
        Field(description="A new mask at every position, or one mask for a whole window (Gal and Ghahramani 2016)."),
    ] = "variational"
    residual: Annotated[
        bool, _OF_NETWORKS, Field(description="Add a layer's input to its output where the sizes agree.")
    ] = True
    tie_weights: Annotated[
        bool,
        _OF_RECURRENT,
        Field(description="Use the embedding as output weights (needs embedding size = hidden size)."),
    ] = False
    layer_norm: Annotated[bool, _OF_NETWORKS, Field(description="Normalise each layer's output (LayerNorm).")] = False

    mix: Annotated[
        str | None,
        _OF_NETWORKS,
        Field(
            description="Mix in an n-gram model of the text, weighted at every symbol by a learnt gate: ngram:K "
            "with order K, or none.  [default: with --budget ngram:8 where it helps on the validation text, else none]"
        ),
    ] = None

    @field_validator("mix")
    @classmethod
    def _is_mix(cls, value: str | None) -> str | None:
        if value is not None and not _MIX.fullmatch(value):
            raise ValueError(f"{value!r} is not none or ngram:K with K from 1 to 24")
        return value

    @model_validator(mode="after")
    def _settings_suit_the_model(self) -> Self:
        for name, field in type(self).model_fields.items():
            for only in field.metadata:
                if not isinstance(only, Only) or getattr(self, name) == field.default:
                    continue
                if (chosen := getattr(self, only.setting)) not in only.listed():
                    raise ValueError(
                        f"{name} is for {only.setting} {' or '.join(only.listed())}, not for {only.setting} {chosen}"
                    )
        return self

    @model_validator(mode="after")
    def _tied_sizes_agree(self) -> Self:
        if self.tie_weights and self.embedding_size not in (None, self.hidden_size):
            raise ValueError(
                f"tie_weights needs embedding_size = hidden_size, not {self.embedding_size} and {self.hidden_size}"
            )
        return self


DEFAULT_BUDGET = "3m"
"""The time for a training of which no length was given."""


class TrainingConfig(Section):
    """The optimisation: batches, steps, learning rate, and what guards them."""

    steps: Annotated[int | None, Field(ge=1, description="Length of the training in optimizer steps.")] = None
    epochs: Annotated[float | None, Field(gt=0, description="Length of the training in passes over the text.")] = None
    budget: Annotated[
        str | None,
        Field(
            description="Time for the whole command: 90s, 5m, 2h. Chooses the sizes that suit it.  "
            f"[default: {DEFAULT_BUDGET}]"
        ),
    ] = None
    batch_size: Annotated[
        int, Field(ge=1, le=1_000_000, description="Stretches of text read side by side; chosen for a --budget.")
    ] = 32
    sequence_length: Annotated[
        int, Field(ge=1, le=1_000_000, description="Symbols that gradients flow back through; chosen for a --budget.")
    ] = 64
    random_length: Annotated[bool, Field(description="Vary the window length at random around its mean.")] = False
    accumulation: Annotated[
        int, Field(ge=1, description="Parts that each batch is computed in: less memory, the same gradient.")
    ] = 1
    learning_rate: Annotated[
        float | None,
        Field(gt=0, description="Highest learning rate.  [default: by cell and width, 0.03 for 192 LSTM units]"),
    ] = None
    final_learning_rate: Annotated[
        float, Field(ge=0, le=1, description="Learning rate at the end, as a share of the highest.")
    ] = 0.01
    warmup_steps: Annotated[int, Field(ge=0, description="Steps over which the learning rate rises.")] = 100
    weight_decay: Annotated[float, Field(ge=0, description="Decoupled weight decay on matrices.")] = 0.1
    beta1: Annotated[Probability, Field(description="AdamW's decay of the mean gradient.")] = 0.8
    beta2: Annotated[Probability, Field(description="AdamW's decay of the squared gradient.")] = 0.99
    clip_norm: Annotated[
        float, Field(ge=0, description="Largest norm of the whole gradient; 0 turns clipping off.")
    ] = 1.0
    clip_value: Annotated[
        float | None, Field(gt=0, description="Clip each gradient component to this, instead of the norm.")
    ] = None
    teacher_forcing: Annotated[
        str,
        Field(
            description="How often a symbol is read as it is, instead of one drawn from the model (scheduled sampling, "
            "Bengio et al. 2015): always, linear:E or exponential:E down to the share E, or inverse-sigmoid:K."
        ),
    ] = "always"
    average: Annotated[
        Probability | None, Field(description="Decay of an exponential moving average of the weights.")
    ] = None
    evaluations: Annotated[
        int, Field(ge=1, description="Evaluations on the validation text, evenly spaced over the training.")
    ] = 10
    patience: Annotated[
        int | None, Field(ge=1, description="Stop after this many evaluations without improvement.")
    ] = None
    save_every: Annotated[str, Field(description="Longest time between two checkpoints.")] = "60s"
    rollbacks: Annotated[
        int,
        Field(
            ge=0,
            le=100,
            description="Times that a loss spike, or ten steps in a row that are not finite, takes the training back "
            "to the last good state, to go on with half the learning rate.",
        ),
    ] = 0
    keep: Annotated[
        int,
        Field(ge=0, le=1000, description="States of the training to keep from before the last; --resume takes them."),
    ] = 1

    @field_validator("budget", "save_every")
    @classmethod
    def _is_duration(cls, value: str | None) -> str | None:
        if value is not None:
            parse_duration(value)
        return value

    @field_validator("teacher_forcing")
    @classmethod
    def _is_schedule(cls, value: str) -> str:
        parse_forcing(value)
        return value

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        given = [name for name in ("steps", "epochs", "budget") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} both set the length of the training; give one of them")
        if self.accumulation > self.batch_size:
            raise ValueError(f"accumulation {self.accumulation} is larger than batch_size {self.batch_size}")
        return self


class RunSettings(Section):
    """Where a run is kept and what it is computed on."""

    name: Annotated[
        Annotated[str, AfterValidator(_is_run_name)] | None,
        Field(
            description="Name of the run, a folder under checkpoints/.  [default: from the text's name]",
        ),
    ] = None
    seed: Annotated[int, Field(ge=0, lt=2**63, description="Seed of everything random.")] = 1
    device: Annotated[Device, Field(description="Where to compute: auto, cpu, cuda, cuda:N or mps.")] = "auto"
    threads: Annotated[
        int | None,
        Field(
            ge=1,
            le=1024,
            description="CPU threads to train with.  [default: all cores; with --budget whichever measures faster, "
            "all or one]",
        ),
    ] = None
    precision: Annotated[
        Precision,
        Field(description="Arithmetic in training; auto takes fp16 on CUDA and bf16 on CPUs that have it natively."),
    ] = "auto"


class RunConfig(Section):
    """All that reproduces a run; stored as its config.toml."""

    data: DataConfig
    tokenizer: TokenizerConfig = TokenizerConfig()
    model: ModelConfig = ModelConfig()
    training: TrainingConfig = TrainingConfig()
    run: RunSettings = RunSettings()


class SamplingConfig(Section):
    """How text is drawn from a model."""

    length: Annotated[
        int, Field(ge=0, description="Characters to draw; 0 goes on until interrupted or a record ends.")
    ] = 500
    temperature: Annotated[
        float, Field(ge=0, description="Sharpness: 1 samples the model as it is, 0 takes the likeliest symbol.")
    ] = 0.8
    top_k: Annotated[int | None, Field(ge=1, description="Draw from the K likeliest symbols only.")] = None
    top_p: Annotated[
        float | None, Field(gt=0, le=1, description="Draw from the likeliest symbols that hold this probability.")
    ] = None
    min_p: Annotated[
        float | None, Field(ge=0, le=1, description="Drop symbols below this share of the likeliest one's probability.")
    ] = None
    seed: Annotated[
        int | None, Field(ge=0, lt=2**63, description="Seed; the same seed draws the same text.  [default: random]")
    ] = None
    num_samples: Annotated[int, Field(ge=1, le=65536, description="Texts to draw, in one batch.")] = 1
    stop: Annotated[
        tuple[str, ...], Field(description="End a text before this string; may be given several times.")
    ] = ()
    unknown: Annotated[
        Literal["error", "skip"], Field(description="What to do with prompt characters the model does not know.")
    ] = "error"
    weights: Annotated[
        Weights,
        Field(
            description="int8 steps faster on the CPU, above all large models, but starts about a second later and "
            "costs a little: charlm eval perplexity RUN --weights int8 tells how much."
        ),
    ] = "float32"

    @field_validator("stop")
    @classmethod
    def _stop_is_not_empty(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if "" in value:
            raise ValueError("stop must not be an empty string")
        return value


class EvaluationConfig(Section):
    """How a text is scored."""

    context: Annotated[
        int | None,
        Field(ge=1, description="Score windows of this many symbols, each from a zero state.  [default: carry state]"),
    ] = None
    weights: Annotated[
        Weights, Field(description="int8 scores the model as --weights int8 samples it, beside the exact one.")
    ] = "float32"


class ExposureConfig(Section):
    """How far a model is let read its own output."""

    prefix: Annotated[int, Field(ge=1, le=100_000, description="True symbols that it reads before.")] = 64
    positions: Annotated[int, Field(ge=1, le=10_000, description="Symbols that it then draws itself.")] = 100
    texts: Annotated[int, Field(ge=1, le=65536, description="Places of the text to begin at.")] = 256
    seed: Annotated[int, Field(ge=0, lt=2**63, description="Seed of what is drawn.")] = 1


class GradientsConfig(Section):
    """Whose gradients are looked at, and how far back."""

    cells: Annotated[str, Field(min_length=1, description="Recurrent cells with commas.")] = "rnn,gru,lstm"
    lags: Annotated[int, Field(ge=1, le=10_000, description="How many symbols back to look.")] = 64
    train_steps: Annotated[
        int, Field(ge=0, le=1_000_000, description="Steps that each is trained for before a second look; 0 for none.")
    ] = 300


class AgreementConfig(Section):
    """Which cells are asked for the right verb, and on what."""

    cells: Annotated[str, Field(min_length=1, description="Recurrent cells with commas.")] = "rnn,gru,lstm"
    longest: Annotated[int, Field(ge=1, le=50, description="Most things that the relative clause names.")] = 6
    sentences: Annotated[int, Field(ge=10, le=10_000_000, description="Sentences to train on.")] = 20_000
    questions: Annotated[int, Field(ge=1, le=100_000, description="New sentences to ask about, for each length.")] = 200
    train_steps: Annotated[int, Field(ge=1, le=1_000_000, description="Steps that each cell is trained for.")] = 4000


class ActivationsConfig(Section):
    """Which recurrent matrices are looked at, and for how long."""

    variances: Annotated[
        str, Field(min_length=1, description="k of the recurrent matrices with variance k / units, with commas.")
    ] = "3,2,1.5"
    units: Annotated[int, Field(ge=1, le=16384, description="ReLU units.")] = 512
    symbols: Annotated[int, Field(ge=2, le=10_000, description="How many symbols to follow the activations.")] = 60
    seed: Annotated[int, Field(ge=0, lt=2**63, description="Seed of the matrices.")] = 1


class ComparisonConfig(Section):
    """Which models are compared, and what they have in common."""

    models: Annotated[
        str,
        Field(
            min_length=1,
            description="Models with commas: recurrent cells, mlp, mlp:K with window K, ngram:K with order K.",
        ),
    ] = "ngram:5,mlp,rnn,gru,lstm"
    layers: Annotated[
        str,
        Field(
            pattern=r"^[1-9]\d{0,2}(,[1-9]\d{0,2})*$",
            description="Numbers of layers with commas; n-gram models have none.",
        ),
    ] = "1,2,3"
    match: Annotated[
        Literal["time", "parameters"],
        Field(
            description="Equal time: each gets the same --budget and chooses its sizes. Equal parameters: widths are "
            "chosen so all have as many weights as the first with --hidden-size units; all get --epochs or --steps."
        ),
    ] = "time"
    sizes: Annotated[
        str | None,
        Field(
            pattern=r"^[1-9]\d{0,4}(,[1-9]\d{0,4})*$",
            description="With equal parameters, units of the first with commas: every model comes in as many sizes.  "
            "[default: --hidden-size]",
        ),
    ] = None
    karpathy: Annotated[
        bool,
        Field(
            description="The protocol of Karpathy, Johnson and Fei-Fei (2015): split 80/10/10, equal parameters, "
            "cross-entropy on the test part."
        ),
    ] = False


_SomeSection = TypeVar("_SomeSection", bound=Section)


def validate(section: type[_SomeSection], values: Mapping[str, Any], *, source: str) -> _SomeSection:
    """Returns the section made of `values`.

    Raises:
        ConfigError: a value is unknown or out of range; one sentence names it and `source`.
    """
    try:
        return section.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            problem = "is not a setting charlm knows"
        elif first["type"] == "value_error":
            problem = str(first["ctx"]["error"])
            raise ConfigError(f"{source}: {key}{': ' if key else ''}{problem}.") from None
        else:
            problem = f"is {first['input']!r}: {first['msg'][0].lower()}{first['msg'][1:]}"
        raise ConfigError(f"{source}: {key} {problem}.") from None
