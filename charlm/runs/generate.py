"""`charlm sample`: text drawn from a run's best model."""

import secrets
from collections.abc import Iterator

from charlm.config import Device, SamplingConfig
from charlm.data.inputs import clean_string
from charlm.generation.generator import Piece, generate
from charlm.runs.device import resolve_device
from charlm.runs.loading import LoadedModel, load_model
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
    yield from draw_from(loaded, prompt, settings, seed=seed)


def draw_from(loaded: LoadedModel, prompt: str, settings: SamplingConfig, *, seed: int) -> Iterator[Piece]:
    """Yields what the samples of a model that is loaded already consist of; arguments as in `generate`.

    The prompt gets the line ends and the Unicode form that the training text was given.
    """
    prompt = "".join(clean_string(prompt, data=loaded.config.data, label="the prompt").chunks())
    device = loaded.model.output.bias.device
    return generate(loaded.model, loaded.tokenizer, prompt, settings, seed=seed, device=device)
