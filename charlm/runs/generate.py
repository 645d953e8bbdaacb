"""`charlm sample`: text drawn from a run's best model."""

import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING

from charlm.config import DataConfig, Device, ModelConfig, SamplingConfig, Weights
from charlm.data.inputs import clean_string
from charlm.data.tokenizers.base import Tokenizer
from charlm.errors import ConfigError
from charlm.generation.generator import Piece, generate
from charlm.runs.stored import read_model
from charlm.runs.workspace import Workspace
from charlm.stepping.base import StepModel
from charlm.stepping.build import build_step_model

if TYPE_CHECKING:
    from charlm.models.base import LanguageModel
    from charlm.runs.loading import LoadedModel


def resolve_seed(settings: SamplingConfig) -> int:
    """Returns the seed asked for, or one at random, small enough to type."""
    return secrets.randbelow(2**31) if settings.seed is None else settings.seed


def stream(
    run: str, prompt: str, settings: SamplingConfig, workspace: Workspace, *, seed: int, device: Device = "auto"
) -> Iterator[Piece]:
    """Yields the text of every sample as it is drawn.

    Args:
        device: "auto" takes the CPU, which is fastest for few texts, and there torch is not loaded.

    Raises:
        CharlmError: there is no such run, or the prompt has characters that its model does not know.
    """
    stored = read_model(run, workspace)
    model: StepModel
    if device in ("auto", "cpu"):
        model = build_step_model(
            stored.config.model,
            stored.weights,
            vocabulary_size=stored.tokenizer.vocabulary_size,
            source=str(stored.source),
            weights=settings.weights,
        )
    else:
        from charlm.runs.device import resolve_device
        from charlm.runs.loading import build_stored

        loaded = build_stored(stored, device=resolve_device(device))
        model = step_model(loaded.model, loaded.config.model, weights=settings.weights)
    yield from _draw(model, stored.tokenizer, stored.config.data, prompt, settings, seed=seed)


def draw_from(loaded: "LoadedModel", prompt: str, settings: SamplingConfig, *, seed: int) -> Iterator[Piece]:
    """Yields what the samples of a model that is loaded already consist of; arguments as in `generate`.

    The prompt gets the line ends and the Unicode form that the training text was given.
    """
    model = step_model(loaded.model, loaded.config.model, weights=settings.weights)
    return _draw(model, loaded.tokenizer, loaded.config.data, prompt, settings, seed=seed)


def step_model(model: "LanguageModel", config: ModelConfig, *, weights: Weights = "float32") -> StepModel:
    """Returns the fastest way to step a model as it is now: on the CPU one without torch, elsewhere itself.

    Raises:
        ConfigError: int8 was asked for and the model is not on the CPU.
    """
    from charlm.models.base import Network
    from charlm.models.build import arrays_of

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
    from charlm.generation.stepping import TorchStepModel

    return TorchStepModel(model, device=device)


def _draw(
    model: StepModel, tokenizer: Tokenizer, data: DataConfig, prompt: str, settings: SamplingConfig, *, seed: int
) -> Iterator[Piece]:
    cleaned = "".join(clean_string(prompt, data=data, label="the prompt").chunks())
    return generate(model, tokenizer, cleaned, settings, seed=seed)
