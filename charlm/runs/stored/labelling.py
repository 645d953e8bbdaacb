"""A stored model that labels examples, brought back to life."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pkgutil import resolve_name
from shlex import quote
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray

from charlm.config import DataConfig
from charlm.data.tokenizers.conditions import ConditionTokenizer
from charlm.data.tokenizers.examples import ExampleTokenizer
from charlm.errors import ConfigError
from charlm.evaluation.labels import condition_nats, label_log_probabilities
from charlm.models.base import Network
from charlm.notation import either
from charlm.runs.stored.loading import LoadedModel, build_stored
from charlm.runs.stored.model import read_any_model
from charlm.runs.stored.workspace import Workspace
from charlm.tasks import TASKS

USUAL_BEAM = 5


@final
@dataclass(frozen=True)
class Labeller:
    """A model that labels examples, ready to be applied.

    Attributes:
        loaded: the model and what it was made from.
        tokenizer: text to symbols, and labels to theirs.
        beam: how many answers are weighed up side by side, where a model answers with texts.
    """

    loaded: LoadedModel
    tokenizer: ExampleTokenizer
    beam: int = USUAL_BEAM

    @property
    def data(self) -> DataConfig:
        """How its examples were read."""
        return self.loaded.config.data

    def log_probabilities(
        self, inputs: Sequence[NDArray[np.int64]], *, advance: Callable[[int], None] | None = None
    ) -> list[NDArray[np.float32]]:
        """Returns the log-probability of each label, for each example `[targets, labels]`.

        Args:
            inputs: the symbols of each example's text, its begin first.
            advance: is given the number of examples that were labelled since its last call.
        """
        score: Score = resolve_name(TASKS[self.tokenizer.task].score)
        return score(self, inputs, advance)


Advance = Callable[[int], None]
Score = Callable[[Labeller, Sequence[NDArray[np.int64]], Advance | None], list[NDArray[np.float32]]]
"""The function behind `Labeller.log_probabilities`."""


def score_outputs(
    labeller: Labeller, inputs: Sequence[NDArray[np.int64]], advance: Advance | None
) -> list[NDArray[np.float32]]:
    """Returns what a network of labels gives, as `Labeller.log_probabilities` says."""
    loaded = labeller.loaded
    assert isinstance(loaded.model, Network)
    return label_log_probabilities(loaded.model, inputs, device=loaded.device, advance=advance)


def score_by_bayes(
    labeller: Labeller, inputs: Sequence[NDArray[np.int64]], advance: Advance | None
) -> list[NDArray[np.float32]]:
    """Returns what follows from each text's probability on each condition, as `Labeller.log_probabilities` says."""
    joint = joint_scores(labeller, inputs, advance)
    known = joint - np.logaddexp.reduce(joint, axis=1, keepdims=True)
    return list(known[:, None].astype(np.float32))


def joint_scores(
    labeller: Labeller, inputs: Sequence[NDArray[np.int64]], advance: Advance | None
) -> NDArray[np.float64]:
    """Returns the log-probability of each condition together with each text, `[texts, labels]`.

    A condition is as likely as it is frequent in training, where one is added to each count.
    """
    loaded, tokenizer = labeller.loaded, labeller.tokenizer
    assert isinstance(loaded.model, Network)
    assert isinstance(tokenizer, ConditionTokenizer)
    counts = tokenizer.label_counts(loaded.symbol_counts)[:-1] + 1.0
    nats = condition_nats(loaded.model, inputs, tokenizer, device=loaded.device, advance=advance)
    joint: NDArray[np.float64] = np.log(counts / counts.sum()) - nats
    return joint


def load_labeller(
    run: str, workspace: Workspace, *, device: torch.device, command: str, beam: int | None = None
) -> Labeller:
    """Returns the best model of a run, given by name, folder, or checkpoint file.

    Args:
        command: what it is for, for messages.
        beam: as in `Labeller`.  [default: 5]

    Raises:
        CheckpointError: there is no such run, or its checkpoint is damaged or foreign.
        ConfigError: its model continues text.
    """
    return as_labeller(build_stored(read_any_model(run, workspace), device=device), command=command, beam=beam)


def as_labeller(loaded: LoadedModel, *, command: str, beam: int | None = None) -> Labeller:
    """Returns a model that is loaded already; other arguments, and the ConfigError, as in `load_labeller`."""
    tokenizer, run = loaded.tokenizer, quote(loaded.name)
    if not isinstance(tokenizer, ExampleTokenizer):
        raise ConfigError(
            f"charlm {command} is for models trained with --task {either(TASKS)}; '{loaded.name}' continues text. "
            f"Measure it with: charlm eval perplexity {run}, or let it write with: charlm sample {run}"
        )
    return Labeller(loaded, tokenizer, beam or USUAL_BEAM)
