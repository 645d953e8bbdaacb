"""A stored model that labels examples, brought back to life."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from shlex import quote
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray

from charlm.config import DataConfig
from charlm.data.tokenizers.examples import ExampleTokenizer
from charlm.errors import ConfigError
from charlm.evaluation.labels import label_log_probabilities
from charlm.models.base import Network
from charlm.runs.stored.loading import LoadedModel, build_stored
from charlm.runs.stored.model import read_any_model
from charlm.runs.stored.workspace import Workspace
from charlm.tasks import TASKS


@final
@dataclass(frozen=True)
class Labeller:
    """A model that labels examples, ready to be applied.

    Attributes:
        loaded: the model and what it was made from.
        tokenizer: text to symbols, and labels to theirs.
    """

    loaded: LoadedModel
    tokenizer: ExampleTokenizer

    @property
    def data(self) -> DataConfig:
        """How its examples were read."""
        return self.loaded.config.data

    def log_probabilities(
        self, inputs: Sequence[NDArray[np.int64]], *, advance: Callable[[int], None] | None = None
    ) -> list[NDArray[np.float32]]:
        """Returns the log-probability of each label, as `label_log_probabilities` does."""
        assert isinstance(self.loaded.model, Network)
        return label_log_probabilities(self.loaded.model, inputs, device=self.loaded.device, advance=advance)


def load_labeller(run: str, workspace: Workspace, *, device: torch.device, command: str) -> Labeller:
    """Returns the best model of a run, given by name, folder, or checkpoint file.

    Args:
        command: what it is for, for messages.

    Raises:
        CheckpointError: there is no such run, or its checkpoint is damaged or foreign.
        ConfigError: its model continues text.
    """
    stored = read_any_model(run, workspace)
    if not isinstance(stored.tokenizer, ExampleTokenizer) or stored.tokenizer.outputs is None:
        raise ConfigError(
            f"charlm {command} is for models trained with --task {' or '.join(TASKS)}; '{stored.name}' continues text. "
            f"Measure it with: charlm eval perplexity {quote(run)}, or let it write with: charlm sample {quote(run)}"
        )
    return Labeller(build_stored(stored, device=device), stored.tokenizer)
