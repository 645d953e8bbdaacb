"""`charlm sample`: text drawn from a run's best model."""

import secrets
from collections.abc import Iterator

from charlm.config import Device, SamplingConfig
from charlm.generation.generator import Piece, generate
from charlm.runs.device import resolve_device
from charlm.runs.loading import load_model
from charlm.runs.workspace import Workspace


def resolve_seed(settings: SamplingConfig) -> int:
    """Returns the seed asked for, or one at random, small enough to type."""
    return secrets.randbelow(2**31) if settings.seed is None else settings.seed


def stream(
    run: str, prompt: str, settings: SamplingConfig, workspace: Workspace, *, seed: int, device: Device = "auto"
) -> Iterator[Piece]:
    """Yields the text of every sample as it is drawn.

    Raises:
        CharlmError: there is no such run, or the prompt has characters that its model does not know.
    """
    target = resolve_device(device)
    loaded = load_model(run, workspace, device=target)
    yield from generate(loaded.model, loaded.tokenizer, prompt, settings, seed=seed, device=target)
