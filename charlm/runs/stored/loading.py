"""A stored model brought back to life: as a torch module, or to be stepped symbol by symbol."""

from dataclasses import dataclass
from typing import final

import torch

from charlm.config import ModelConfig, Weights
from charlm.errors import ConfigError
from charlm.generation.stepping import TorchStepModel
from charlm.models.base import LanguageModel, Network
from charlm.models.build import arrays_of, restore_model
from charlm.runs.stored.model import ModelOfRun, StoredModel, read_model
from charlm.runs.stored.workspace import Workspace
from charlm.stepping.base import StepModel
from charlm.stepping.build import build_step_model


@final
@dataclass(frozen=True, kw_only=True)
class LoadedModel(ModelOfRun):
    """A model ready to sample and score.

    Attributes:
        device: where it computes.
    """

    model: LanguageModel
    device: torch.device


def load_model(run: str, workspace: Workspace, *, device: torch.device) -> LoadedModel:
    """Returns the best language model of a run, found and refused as by `read_model`, in evaluation mode."""
    return build_stored(read_model(run, workspace), device=device)


def build_stored(stored: StoredModel, *, device: torch.device) -> LoadedModel:
    """Returns a stored model on `device`, in evaluation mode; weights of another model are a CheckpointError."""
    model = restore_model(
        stored.config.model,
        stored.weights,
        vocabulary_size=stored.tokenizer.vocabulary_size,
        source=str(stored.source),
        outputs=stored.tokenizer.outputs,
    )
    if isinstance(model, Network):
        model.to(device).eval()
    return LoadedModel(
        name=stored.name, record=stored.record, symbol_counts=stored.symbol_counts, model=model, device=device
    )


def step_model(model: LanguageModel, config: ModelConfig, *, weights: Weights = "float32") -> StepModel:
    """Returns the fastest way to step a model as it is now: on the CPU one without torch, elsewhere itself.

    Raises:
        ConfigError: int8 was asked for and the model is not on the CPU.
    """
    device = model.device if isinstance(model, Network) else None
    if device is None or device.type == "cpu":
        return build_step_model(
            config,
            arrays_of(model),
            vocabulary_size=model.vocabulary_size,
            source="the model",
            weights=weights,
        )
    if weights != "float32":
        raise ConfigError(f"{weights} weights are for the CPU, not for {device}; leave one of the two out.")
    return TorchStepModel(model, device=device)
