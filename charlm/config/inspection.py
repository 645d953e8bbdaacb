"""The settings of `charlm inspect`."""

from charlm.config.section import Section, setting
from charlm.config.types import Seed


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
