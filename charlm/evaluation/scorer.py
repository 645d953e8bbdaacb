"""The exact code length of a text under a model."""

import json
from collections.abc import Iterable
from functools import partial
from typing import Literal

import torch

from charlm.data.batches import batch_records
from charlm.data.encoder import EncodedText
from charlm.data.lanes import Window
from charlm.data.tokenizers.base import Tokenizer
from charlm.distributed.world import ALONE, World
from charlm.errors import ConfigError
from charlm.evaluation.accounting import label_score, make_score
from charlm.evaluation.joined import stream_nats
from charlm.evaluation.lane_scores import Advance, Observe, score_lanes, window_length
from charlm.evaluation.score import Score
from charlm.evaluation.windows import cold_windows, warm_windows
from charlm.models.base import OWN, LanguageModel, join_batch, slice_batch
from charlm.models.lane_groups import LANES, Workers, group_borders, usual_groups

Mode = Literal["exact", "fast"]


def score_parts(
    model: LanguageModel,
    text: EncodedText,
    tokenizer: Tokenizer,
    *,
    device: torch.device,
    context: int | None = None,
    mode: Mode = "exact",
    share: float = 1.0,
    advance: Advance | None = None,
    observe: Observe | None = None,
    world: World = ALONE,
) -> dict[str, Score]:
    """Returns the score of a text under a model, by the name OWN, and under the models that it consists of, by theirs.

    Every symbol after the first counts exactly once in both modes. "exact" carries the state from the first symbol of
    the text to the last, as `stream_nats` does. "fast" reads many parts of the text in parallel, each after a short
    warm-up on the text before it; evaluations during training use it. Records are independent, and both modes score
    each from a zero state.

    Args:
        share: how much of running text "fast" reads, of each part as much; the score is that of the whole, if the rest
            is like it.
        context: length of the windows that running text is cut into, each scored from a zero state.
        advance: is given the number of symbols scored since its last call.
        observe: is asked for an observer of each window.
        world: the processes that score the text together.

    Raises:
        ConfigError: `context` is given for records.
    """
    windows: Iterable[Window] | None
    records = batch_records(text.tokens, tokenizer, batch_size=64, sequence_length=256, seed=0)
    if records is not None:
        if context is not None:
            raise ConfigError(
                "--context is for running text, not records; each record is scored from a zero state anyway."
            )
        windows = map(records.window, range(records.windows_per_epoch))
    elif context is not None:
        windows = cold_windows(text.tokens, context=context)
    elif mode == "fast":
        num_lanes = max(1, min(64, len(text.tokens) // 512))
        length = window_length(LANES, tokenizer.vocabulary_size)
        windows = warm_windows(text.tokens, num_lanes=num_lanes, warmup=128, length=length, share=share)
    else:
        windows = None
    counted = 0

    def count(num_targets: int) -> None:
        nonlocal counted
        counted += num_targets
        if advance is not None:
            advance(num_targets)

    if windows is None:
        totals = stream_nats(model, text.tokens, device=device, advance=count, observe=observe)
    else:
        totals = total_nats(model, windows, device=device, advance=count, observe=observe, world=world)
    unread = (len(text.tokens) - 1) / counted if share < 1.0 else 1.0
    if tokenizer.outputs is not None:
        return {name: label_score(nats, counted) for name, nats in totals.items()}
    return {name: make_score(nats * unread, text, tokenizer) for name, nats in totals.items()}


@torch.inference_mode()
def total_nats(
    model: LanguageModel,
    windows: Iterable[Window],
    *,
    device: torch.device,
    advance: Advance | None = None,
    observe: Observe | None = None,
    world: World = ALONE,
) -> dict[str, float]:
    """Returns the summed code lengths of all targets, by model; the state is carried from window to window.

    Each process computes some groups of lanes, and carries their state. The sums are added as one process adds them.
    """
    sums = _Sums(world)
    state = model.initial_state(0)
    workers = Workers(torch.get_num_threads())
    for window in windows:
        num_lanes = window.inputs.shape[1]
        if window.fresh:
            state = model.initial_state(num_lanes)
        groups = usual_groups(num_lanes) if device.type == "cpu" else min(num_lanes, world.size)
        side_by_side = workers if num_lanes == 1 and device.type == "cpu" else None
        score = partial(score_lanes, model, window, state, device=device, observe=observe, workers=side_by_side)
        borders = group_borders(num_lanes, groups)
        states = [slice_batch(state, *lanes) for lanes in borders]
        own = world.share(groups)
        scored = workers.map(score, borders[own.start : own.stop], work=window.inputs.numel())
        states[own.start : own.stop] = [after for _, after in scored]
        state = join_batch(states)
        sums.add([{name: float(each.sum()) for name, each in nats.items()} for nats, _ in scored], own, groups)
        if advance is not None:
            advance(window.num_targets)
    return sums.totals()


_MOST_UNSENT = 4096
"""Groups whose sums are kept until all processes learn of them."""


class _Sums:
    """The sums of all groups of lanes, added in the order of the groups, whichever process has scored them."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._totals = {OWN: 0.0}
        self._unsent: list[dict[str, float]] = []

    def add(self, scored: list[dict[str, float]], own: range, groups: int) -> None:
        """Adds the groups of a window, of which this process has scored `own`."""
        self._unsent += [{}] * own.start + scored + [{}] * (groups - own.stop)
        if len(self._unsent) >= _MOST_UNSENT:
            self._send()

    def totals(self) -> dict[str, float]:
        """Returns the sums over all groups, by model."""
        self._send()
        return self._totals

    def _send(self) -> None:
        # The first process has a share in everything, and so knows all names.
        known = self._world.by_first(lambda: json.dumps(list({name: None for each in self._unsent for name in each})))
        names = json.loads(known)
        rows = [[each.get(name, 0.0) for name in names] for each in self._unsent]
        for row in self._world.fill(torch.tensor(rows, dtype=torch.float64)).tolist():
            for name, each in zip(names, row, strict=True):
                self._totals[name] = self._totals.get(name, 0.0) + each
        self._unsent = []
