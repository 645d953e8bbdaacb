"""What `charlm inspect` shows."""

from typing import Annotated

from pydantic import Field

from charlm.config.section import Section


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
