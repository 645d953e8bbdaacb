"""The exact code length of a text under a model."""

from collections.abc import Callable, Iterable
from typing import Literal

import torch

from charlm.config import EvaluationConfig
from charlm.data.encoder import EncodedText
from charlm.data.lanes import Window
from charlm.data.record_batches import RecordBatches
from charlm.data.tokenizers.base import Tokenizer
from charlm.errors import ConfigError
from charlm.evaluation.accounting import make_score
from charlm.evaluation.score import Score
from charlm.evaluation.windows import cold_windows, stream_windows, warm_windows
from charlm.models.base import OWN, LanguageModel
from charlm.models.threads import threads_for_steps, using_threads

Advance = Callable[[int], None]
Mode = Literal["exact", "fast"]


def score_text(
    model: LanguageModel,
    text: EncodedText,
    tokenizer: Tokenizer,
    *,
    settings: EvaluationConfig,
    device: torch.device,
    mode: Mode = "exact",
    advance: Advance | None = None,
) -> Score:
    """Returns the score of a text under a model; see `score_parts`."""
    return score_parts(model, text, tokenizer, settings=settings, device=device, mode=mode, advance=advance)[OWN]


def score_parts(
    model: LanguageModel,
    text: EncodedText,
    tokenizer: Tokenizer,
    *,
    settings: EvaluationConfig,
    device: torch.device,
    mode: Mode = "exact",
    advance: Advance | None = None,
) -> dict[str, Score]:
    """Returns the score of a text under a model, by the name OWN, and under the models that it consists of.

    Every symbol after the first counts exactly once in both modes. "exact" reads the text as one stream and carries
    the state from the first symbol to the last. "fast" reads many parts of the text in parallel, each after a warm-up
    on the text before it; evaluations during training use it. Records are independent, and both modes score each from
    a zero state.

    Raises:
        ConfigError: `settings.context` is given for records.
    """
    if tokenizer.begin is not None:
        if settings.context is not None:
            raise ConfigError(
                "--context is for running text, not records; each record is scored from a zero state anyway."
            )
        windows = _record_windows(text, tokenizer)
    elif settings.context is not None:
        windows = cold_windows(text.tokens, context=settings.context)
    elif mode == "fast":
        num_lanes = max(1, min(64, len(text.tokens) // 512))
        windows = warm_windows(text.tokens, num_lanes=num_lanes, warmup=128)
    else:
        windows = stream_windows(text.tokens)
    totals = total_nats(model, windows, device=device, advance=advance)
    return {name: make_score(nats, text, tokenizer) for name, nats in totals.items()}


@torch.inference_mode()
def total_nats(
    model: LanguageModel, windows: Iterable[Window], *, device: torch.device, advance: Advance | None = None
) -> dict[str, float]:
    """Returns the summed code lengths of all targets, by model; the state is carried from window to window."""
    totals = {OWN: torch.zeros((), dtype=torch.float64)}
    state = model.initial_state(0)
    for window in windows:
        if window.fresh:
            state = model.initial_state(window.inputs.shape[1])
        with using_threads(threads_for_steps(model, batch_size=window.inputs.shape[1])):
            nats, state = model.nats(window.inputs.to(device), window.targets.to(device), state)
        for name, each in nats.items():
            # Summed on the CPU in float64: some devices have no float64, and float32 sums drift.
            totals[name] = totals.get(name, 0.0) + each.cpu().double().sum()
        if advance is not None:
            advance(window.num_targets)
    return {name: float(total) for name, total in totals.items()}


def _record_windows(text: EncodedText, tokenizer: Tokenizer) -> Iterable[Window]:
    assert tokenizer.begin is not None
    assert tokenizer.end is not None
    batches = RecordBatches(
        text.tokens, begin=tokenizer.begin, end=tokenizer.end, batch_size=64, sequence_length=256, seed=0
    )
    return (batches.window(index) for index in range(batches.windows_per_epoch))
