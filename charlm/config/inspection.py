"""The settings of `charlm inspect`."""

from pydantic import Field

from charlm.config.section import Section


class GradientsConfig(Section):
    """The settings of `charlm inspect gradients`."""

    cells: str = Field(default="rnn,gru,lstm", min_length=1, description="Recurrent cells with commas.")
    lags: int = Field(default=64, ge=1, le=10_000, description="Largest distance, in symbols.")
    train_steps: int = Field(
        default=300, ge=0, le=1_000_000, description="Training steps before the second measurement; 0 for none."
    )


class AgreementConfig(Section):
    """The settings of `charlm inspect agreement`."""

    cells: str = Field(default="rnn,gru,lstm", min_length=1, description="Recurrent cells with commas.")
    longest: int = Field(default=6, ge=1, le=50, description="Largest number of things in the relative clause.")
    sentences: int = Field(default=20_000, ge=10, le=10_000_000, description="Sentences to train on.")
    questions: int = Field(default=200, ge=1, le=100_000, description="New sentences for each length.")
    train_steps: int = Field(default=4000, ge=1, le=1_000_000, description="Training steps of each cell.")


class ActivationsConfig(Section):
    """The settings of `charlm inspect activations`."""

    variances: str = Field(
        default="3,2,1.5", min_length=1, description="Variances of the recurrent matrix, times the units, with commas."
    )
    units: int = Field(default=512, ge=1, le=16384, description="ReLU units.")
    symbols: int = Field(default=60, ge=2, le=10_000, description="Number of symbols.")
    seed: int = Field(default=1, ge=0, lt=2**63, description="Seed of the matrices.")
