"""The settings of `charlm inspect`."""

from typing import Annotated

from pydantic import Field

from charlm.config.section import Section


class GradientsConfig(Section):
    """The settings of `charlm inspect gradients`."""

    cells: Annotated[str, Field(min_length=1, description="Recurrent cells with commas.")] = "rnn,gru,lstm"
    lags: Annotated[int, Field(ge=1, le=10_000, description="Largest distance, in symbols.")] = 64
    train_steps: Annotated[
        int, Field(ge=0, le=1_000_000, description="Training steps before the second measurement; 0 for none.")
    ] = 300


class AgreementConfig(Section):
    """The settings of `charlm inspect agreement`."""

    cells: Annotated[str, Field(min_length=1, description="Recurrent cells with commas.")] = "rnn,gru,lstm"
    longest: Annotated[int, Field(ge=1, le=50, description="Largest number of things in the relative clause.")] = 6
    sentences: Annotated[int, Field(ge=10, le=10_000_000, description="Sentences to train on.")] = 20_000
    questions: Annotated[int, Field(ge=1, le=100_000, description="New sentences for each length.")] = 200
    train_steps: Annotated[int, Field(ge=1, le=1_000_000, description="Training steps of each cell.")] = 4000


class ActivationsConfig(Section):
    """The settings of `charlm inspect activations`."""

    variances: Annotated[
        str, Field(min_length=1, description="Variances of the recurrent matrix, times the units, with commas.")
    ] = "3,2,1.5"
    units: Annotated[int, Field(ge=1, le=16384, description="ReLU units.")] = 512
    symbols: Annotated[int, Field(ge=2, le=10_000, description="Number of symbols.")] = 60
    seed: Annotated[int, Field(ge=0, lt=2**63, description="Seed of the matrices.")] = 1
