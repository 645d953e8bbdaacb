"""Settings of commands that train no single run: sampling, scoring, inspecting and comparing."""

from functools import partial
from typing import Annotated, Literal

from pydantic import field_validator

from charlm.config.section import Section, setting
from charlm.config.types import Adapt, Seed, Weights, written
from charlm.notation import parse_counts, parse_seconds


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
    condition: str | None = setting(
        None, help="Condition to write on, of a model trained with --task generate, such as a language."
    )
    stop: tuple[str, ...] = setting((), help="End a text before this string; may be given several times.")
    unknown: Literal["error", "skip"] = setting(
        "error", help="What to do with prompt characters the model does not know."
    )
    weights: Weights = setting(
        "float32",
        help="int8 draws long texts from layers of 256 units and more faster on the CPU, others as fast, and is "
        "slightly less exact; charlm eval perplexity RUN --weights int8 shows the difference.",
    )

    adapt: Literal["counts"] | None = setting(
        None,
        help="Learn from the prompt before going on from it: its names and phrases come again. Takes about 0.1 ms for "
        "each of its characters.",
    )

    @field_validator("stop")
    @classmethod
    def _stop_is_not_empty(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if "" in value:
            raise ValueError("stop must not be an empty string")
        return value


class EvaluationConfig(Section):
    """How a text is scored."""

    context: int | None = setting(
        None, ge=1, help="Score windows of this many symbols, each from a zero state.  [default: carry state]"
    )
    weights: Weights = setting(
        "float32", help="int8 also scores the model with the weights that charlm sample --weights int8 uses."
    )
    adapt: Adapt | None = setting(
        None,
        help="Score also a model that learns from each symbol after it was charged for it: counts goes on counting, "
        "full goes on training the network, too.",
    )
    compressors: bool = setting(
        False,
        help="Also show what PPMd, xz, bzip2 and zstd need for the text after the run's training text (needs the extra "
        "`judges`).",
    )


class CompressionConfig(Section):
    """How a file is compressed."""

    streams: int = setting(
        1, ge=1, le=255, help="Parts of the file to code side by side: faster, and a few bytes more; 8 at most."
    )
    adapt: Literal["counts"] | None = setting(
        None,
        help="Let the model learn from what it has coded, as eval perplexity --adapt counts does, but from the usual "
        "rates: smaller and slower. Each stream learns from its own part.",
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


class GradientsConfig(Section):
    """The settings of `charlm inspect gradients`."""

    cells: str = setting("rnn,gru,lstm", min_length=1, help="Recurrent cells with commas.")
    lags: int = setting(64, ge=1, le=10_000, help="Largest distance, in symbols.")
    train_steps: int = setting(
        300, ge=0, le=1_000_000, help="Training steps before the second measurement; 0 for none."
    )


class AgreementConfig(Section):
    """The settings of `charlm inspect agreement`."""

    cells: str = setting("rnn,gru,lstm", min_length=1, help="Recurrent cells with commas.")
    longest: int = setting(6, ge=1, le=50, help="Largest number of things in the relative clause.")
    sentences: int = setting(20_000, ge=10, le=10_000_000, help="Sentences to train on.")
    questions: int = setting(200, ge=1, le=100_000, help="New sentences for each length.")
    train_steps: int = setting(4000, ge=1, le=1_000_000, help="Training steps of each cell.")


class ActivationsConfig(Section):
    """The settings of `charlm inspect activations`."""

    variances: str = setting(
        "3,2,1.5", min_length=1, help="Variances of the recurrent matrix, times the units, with commas."
    )
    units: int = setting(512, ge=1, le=16384, help="ReLU units.")
    symbols: int = setting(60, ge=2, le=10_000, help="Number of symbols.")
    seed: Seed = setting(1, help="Seed of the matrices.")


class ServingConfig(Section):
    """Where models are served, and how much is asked of them at once."""

    host: str = setting("127.0.0.1", min_length=1, help="Address to listen at; 0.0.0.0 is every one of this machine.")
    port: int = setting(8000, ge=0, le=65535, help="Port to listen at; 0 is any free one.")
    api_key: str | None = setting(
        None,
        min_length=1,
        help="Refuse requests without this key.  [default: the environment's CHARLM_API_KEY]",
    )
    streams: int = setting(64, ge=1, le=4096, help="Texts of a model that are drawn at once; others wait.")
    waiting: int = setting(256, ge=0, le=65536, help="Texts of a model that may wait; more are refused.")
    connections: int = setting(512, ge=1, le=65536, help="Connections that may be open; more are refused.")
    longest: int = setting(16_384, ge=1, le=10_000_000, help="Most tokens that are drawn of one text.")
    max_body: int = setting(1 << 20, ge=1024, le=1 << 30, help="Most bytes of a request.")
    weights: Weights = setting(
        "float32",
        help="int8 draws faster from layers of 256 units and more, from narrower ones as fast, and is slightly less "
        "exact, as in charlm sample.",
    )


class ComparisonConfig(Section):
    """Which models are compared, and what they have in common."""

    models: str = setting(
        "ngram:5,mlp,rnn,gru,lstm",
        min_length=1,
        help="Models with commas: recurrent cells, mlp, mlp:K with window K, ngram:K with order K.",
    )
    layers: Annotated[str, written(partial(parse_counts, most=256))] = setting(
        "1,2,3",
        help="Numbers of layers with commas; n-gram models have none.",
    )
    match: Literal["time", "parameters"] = setting(
        "time",
        help="time: each model has the same --budget of its own, and its sizes are chosen for it. parameters: "
        "each model has as many weights as the first one with --hidden-size units, and the same "
        "--epochs or --steps.",
    )
    sizes: Annotated[str, written(partial(parse_counts, most=65_536))] | None = setting(
        None,
        help="With --match parameters, numbers of units of the first model with commas; each gives "
        "one size of every model.  [default: --hidden-size]",
    )
    seeds: int = setting(
        1,
        ge=1,
        le=1000,
        help="Seeds to train each network with, from --seed on; the table has their means and spreads.",
    )
    grid: tuple[str, ...] = setting(
        (),
        help="Train each network with each of several values of a setting, as in learning-rate=0.01,0.03; may be given "
        "several times.",
    )
    karpathy: bool = setting(
        False,
        help="The protocol of Karpathy, Johnson and Fei-Fei (2015): split 80/10/10, equal parameters, "
        "cross-entropy on the test part.",
    )


class TuningConfig(Section):
    """How many trainings a search over settings may take, and how long each is."""

    trials: int = setting(30, ge=1, le=100_000, help="Trainings to try; the first has the settings of charlm train.")
    trial_budget: Annotated[str, written(parse_seconds)] = setting(
        "60s", help="Time of each training, from its start to its last score: 90s, 5m, 2h."
    )
    confirm_seeds: int = setting(
        2,
        ge=0,
        le=100,
        help="Train the best trial and the first one with so many further seeds, which shows how much of the gain was "
        "luck; 0 for none.",
    )
