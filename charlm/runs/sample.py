"""`charlm sample`: text drawn from a run's best model."""

import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING

from charlm.config import DataConfig, Device, SamplingConfig
from charlm.data.inputs import clean_string
from charlm.data.tokenizers.base import Tokenizer
from charlm.generation.generator import Piece, generate
from charlm.runs.stored.model import read_model
from charlm.runs.stored.workspace import Workspace
from charlm.stepping.base import StepModel
from charlm.stepping.build import build_step_model

if TYPE_CHECKING:
    from charlm.runs.stored.loading import LoadedModel


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
        from charlm.runs.stored.loading import build_stored, step_model

        loaded = build_stored(stored, device=resolve_device(device))
        model = step_model(loaded.model, loaded.config.model, weights=settings.weights)
    yield from _draw(model, stored.tokenizer, stored.config.data, prompt, settings, seed=seed)


def draw_from(loaded: "LoadedModel", prompt: str, settings: SamplingConfig, *, seed: int) -> Iterator[Piece]:
    """Yields what the samples of a model that is loaded already consist of; arguments as in `generate`.

    The prompt gets the line ends and the Unicode form that the training text was given.
    """
    from charlm.runs.stored.loading import step_model

    model = step_model(loaded.model, loaded.config.model, weights=settings.weights)
    return _draw(model, loaded.tokenizer, loaded.config.data, prompt, settings, seed=seed)


def _draw(
    model: StepModel, tokenizer: Tokenizer, data: DataConfig, prompt: str, settings: SamplingConfig, *, seed: int
) -> Iterator[Piece]:
    cleaned = "".join(clean_string(prompt, data=data, label="the prompt").chunks())
    return generate(model, tokenizer, cleaned, settings, seed=seed)
