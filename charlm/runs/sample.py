"""`charlm sample` and `charlm play`: text drawn from a run's best model."""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from charlm.config import Device, SamplingConfig, Weights
from charlm.data.inputs import clean_string
from charlm.errors import ConfigError
from charlm.generation.conversation import Conversation
from charlm.generation.generator import Piece, generate
from charlm.runs.stored.model import ModelOfRun, StoredModel, read_newest_model
from charlm.runs.stored.workspace import Workspace
from charlm.stepping.base import Arrays, HeldUnit, StepModel
from charlm.stepping.build import build_adaptive, build_step_model

if TYPE_CHECKING:
    from charlm.runs.stored.loading import LoadedModel


@dataclass(frozen=True)
class Samples:
    """The samples of a run.

    Attributes:
        pieces: of every sample as it is drawn.
        are_records: whether each is a record, which is a line.
        note: a sentence where it is not the best model that they are drawn from; else None.
    """

    pieces: Iterator[Piece]
    are_records: bool
    note: str | None


def resolve_seed(settings: SamplingConfig) -> int:
    """Returns the seed asked for, or one at random, small enough to type."""
    return secrets.randbelow(2**31) if settings.seed is None else settings.seed


def stream(
    run: str, prompt: str, settings: SamplingConfig, workspace: Workspace, *, seed: int, device: Device = "auto"
) -> Samples:
    """Returns the samples of a run's best model, or of its last state where there is no best one yet.

    Args:
        device: "auto" takes the CPU, which is fastest for few texts, and there torch is not loaded.

    Raises:
        CharlmError: there is no such run, or the prompt has characters that its model does not know.
    """
    if settings.adapt is not None and (settings.weights != "float32" or device not in ("auto", "cpu")):
        other = f"--weights {settings.weights}" if settings.weights != "float32" else f"--device {device}"
        raise ConfigError(f"--adapt computes on the CPU, with exact weights; leave out {other}.")
    if settings.adapt is not None and not prompt:
        raise ConfigError("--adapt learns from the prompt, and there is none; give one with --prompt or --prompt-file.")
    stored, note = read_newest_model(run, workspace, with_conditions=True)
    are_records = stored.tokenizer.begin is not None
    if settings.adapt is not None:
        return Samples(_draw(stored, _adapting(stored, stored.weights), prompt, settings, seed=seed), are_records, note)
    if device not in ("auto", "cpu"):
        from charlm.runs.device import resolve_device
        from charlm.runs.stored.loading import build_stored

        loaded = build_stored(stored, device=resolve_device(device))
        return Samples(draw_from(loaded, prompt, settings, seed=seed), are_records, note)
    # Records end by themselves, most of them soon; a length of 0 is endless.
    num_steps = 0 if are_records else settings.length * settings.num_samples or None
    model = build_stepped(stored, weights=settings.weights, num_steps=num_steps)
    return Samples(_draw(stored, model, prompt, settings, seed=seed), are_records, note)


def converse(run: str, settings: SamplingConfig, workspace: Workspace, *, seed: int) -> tuple[Conversation, str | None]:
    """Returns a text to be written in turns with a run's model, on the CPU; and the note of `Samples`.

    Raises:
        CharlmError: there is no such run.
    """
    stored, note = read_newest_model(run, workspace)
    model = build_stepped(stored, weights=settings.weights)
    return Conversation(model, stored.tokenizer, settings, seed=seed, clean=partial(_cleaned, stored)), note


def build_stepped(
    stored: StoredModel,
    *,
    weights: Weights = "float32",
    held: Sequence[HeldUnit] = (),
    num_steps: int | None = None,
    jointly: bool = False,
) -> StepModel:
    """Returns a stored model, to be stepped on the CPU; arguments and errors as in `build_step_model`."""
    return build_step_model(
        stored.config.model,
        stored.weights,
        vocabulary_size=stored.tokenizer.vocabulary_size,
        source=str(stored.source),
        weights=weights,
        held=held,
        num_steps=num_steps,
        jointly=jointly,
    )


def _adapting(run: ModelOfRun, arrays: Arrays) -> StepModel:
    """Returns a model that learns from the prompt, and then goes on from it without learning."""
    tokenizer = run.tokenizer
    return build_adaptive(
        run.config.model,
        arrays,
        vocabulary_size=tokenizer.vocabulary_size,
        begin=tokenizer.begin,
        line_end=tokenizer.line_end,
        source=run.name,
        learns=False,
    )


def draw_from(loaded: "LoadedModel", prompt: str, settings: SamplingConfig, *, seed: int) -> Iterator[Piece]:
    """Returns the samples of a model that is loaded already, piece by piece; arguments as in `generate`.

    The prompt gets the line ends and the Unicode form that the training text was given.
    """
    from charlm.models.build import arrays_of
    from charlm.runs.stored.loading import step_model

    if settings.adapt is not None:
        return _draw(loaded, _adapting(loaded, arrays_of(loaded.model)), prompt, settings, seed=seed)
    model = step_model(loaded.model, loaded.config.model, weights=settings.weights)
    return _draw(loaded, model, prompt, settings, seed=seed)


def _draw(run: ModelOfRun, model: StepModel, prompt: str, settings: SamplingConfig, *, seed: int) -> Iterator[Piece]:
    return generate(model, run.tokenizer.given(settings.condition), _cleaned(run, prompt), settings, seed=seed)


def _cleaned(run: ModelOfRun, prompt: str) -> str:
    return "".join(clean_string(prompt, data=run.config.data, label="the prompt").chunks())
