"""The code length of a long text as one stream, read in stretches side by side, each join of which is checked.

One sequence alone leaves most of a processor idle: each product is of a vector with a matrix. But a recurrent network
forgets. So each stretch begins with the state after the `WARMUP` symbols before it. Where that is the state in which
the stretch before it ends, but for rounding, all predictions are those of one stream, but for rounding. Where it is
not, the stretch is read again from the right state; and a model that does not forget is read as one stream.
"""

from collections.abc import Mapping
from functools import partial
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from charlm.data.lanes import IGNORED, Window
from charlm.data.tokenfile import TokenFile
from charlm.evaluation.lane_scores import Advance, Observe, score_lanes, window_length
from charlm.models.base import OWN, LanguageModel, State, join_batch, slice_batch
from charlm.models.lane_groups import Workers, group_borders, usual_groups
from charlm.models.recurrent import PIECE

STRETCHES = 16
"""Read side by side: eight on a thread make a product as fast as more do (docs/experiments.md)."""
WARMUP = 1024
"""Symbols that are read before each stretch."""
_LONGEST, _SHORTEST = 8, 2
"""Warm-ups that a stretch is long."""
_TOLERANCE = 1e-3
"""How far any number of a state may be from the right one: a hundred times as far changes predictions by less than
rounding does (docs/experiments.md)."""
_MOST_MISJOINED = STRETCHES // 4
"""Stretches side by side that may have to be read again before the rest of the text is read as one stream."""

_MOST_PIECES = 16
_MOST_LOGITS = 1 << 22


def num_read(num_targets: int) -> int | None:
    """Returns how many symbols are read to score so many, warm-ups included; None if they are read as one stream."""
    parts = len(_lengths(num_targets, warmup=WARMUP))
    return num_targets + parts * (STRETCHES - 1) * WARMUP if parts else None


@torch.inference_mode()
def forgets(model: LanguageModel, tokens: TokenFile, *, device: torch.device, warmup: int = WARMUP) -> bool:
    """Returns whether a text is long enough to be read in stretches, and a model forgets what is before their warm-ups.

    The state after a warm-up is compared with that after twice as many symbols, at some places of the text.
    """
    if not _lengths(len(tokens) - 1, warmup=warmup):
        return False
    starts = np.linspace(0, len(tokens) - 1 - 2 * warmup, STRETCHES).astype(np.int64)
    stream = _Stream(model, tokens, device=device, warmup=warmup)
    return _is_near(stream.warm(starts + warmup, warmup), stream.warm(starts, 2 * warmup))


@torch.inference_mode()
def stream_nats(
    model: LanguageModel,
    tokens: TokenFile,
    *,
    device: torch.device,
    advance: Advance | None = None,
    observe: Observe | None = None,
    warmup: int = WARMUP,
) -> dict[str, float]:
    """Returns the summed code lengths of all symbols after the first, by model, as of one stream.

    Args:
        advance: is given the number of symbols scored since its last call.
        observe: is asked for an observer of each window; what is read again is observed again.
        warmup: symbols that are read before each stretch; the stretches are longer in proportion.
    """
    stream = _Stream(model, tokens, device=device, warmup=warmup, advance=advance, observe=observe)
    for length in _lengths(len(tokens) - 1, warmup=warmup):
        if stream.read_side_by_side(length) > _MOST_MISJOINED:
            break
    stream.read_rest()
    return stream.totals


def _lengths(num_targets: int, *, warmup: int) -> list[int]:
    """Returns the length of the stretches of each part of a text; nearly all of it is in parts, if it is long."""
    num_parts = -(-num_targets // (STRETCHES * _LONGEST * warmup))
    length = num_targets // max(1, STRETCHES * num_parts)
    return [length] * num_parts if length >= _SHORTEST * warmup else []


@final
class _Stream:
    """A text that is read from its beginning on.

    Attributes:
        totals: code lengths of all that is read, by model.
    """

    def __init__(
        self,
        model: LanguageModel,
        tokens: TokenFile,
        *,
        device: torch.device,
        warmup: int,
        advance: Advance | None = None,
        observe: Observe | None = None,
    ) -> None:
        self._model = model
        self._tokens = tokens
        self._device = device
        self._warmup = warmup
        self._advance = advance
        self._observe = observe
        self._workers = Workers(torch.get_num_threads())
        self._position = 0
        self._state = model.initial_state(1)
        self.totals = {OWN: 0.0}

    def read_side_by_side(self, length: int) -> int:
        """Reads stretches of a length, and returns how many did not begin with the right state."""
        starts = self._position + length * np.arange(STRETCHES)
        before = join_batch([self._state, self.warm(starts[1:] - self._warmup, self._warmup)])
        sums, after = self._read(starts, length, before, advance=self._advance)
        self._state = slice_batch(after, 0, 1)
        self._add({name: float(each[0]) for name, each in sums.items()})
        misjoined = 0
        for index in range(1, STRETCHES):
            own = {name: float(each[index]) for name, each in sums.items()}
            if _is_near(self._state, slice_batch(before, index, index + 1)):
                self._state = slice_batch(after, index, index + 1)
            else:
                misjoined += 1
                own = self._read_alone(int(starts[index]), length)
            self._add(own)
        self._position += STRETCHES * length
        return misjoined

    def warm(self, starts: NDArray[np.int64], length: int) -> State:
        """Returns the state after as many symbols from each start on."""
        return self._read(starts, length, self._model.initial_state(len(starts)), is_scored=False)[1]

    def read_rest(self) -> None:
        """Reads the rest of the text as one stream."""
        length = len(self._tokens) - 1 - self._position
        self._add(self._read_alone(self._position, length, advance=self._advance))
        self._position += length

    def _read_alone(self, start: int, length: int, *, advance: Advance | None = None) -> dict[str, float]:
        sums, self._state = self._read(np.array([start]), length, self._state, advance=advance)
        return {name: float(each[0]) for name, each in sums.items()}

    def _read(
        self,
        starts: NDArray[np.int64],
        length: int,
        state: State,
        *,
        is_scored: bool = True,
        advance: Advance | None = None,
    ) -> tuple[dict[str, Tensor], State]:
        """Reads as many symbols from each start on, and returns each stretch's code lengths by model, and the state."""
        sums: dict[str, Tensor] = {}
        steps = _window_length(len(starts), self._model.vocabulary_size)
        for first in range(0, length, steps):
            window = self._window(starts + first, min(steps, length - first), is_scored=is_scored)
            nats, state = self._score(window, state, observe=self._observe if is_scored else None)
            for name, each in nats.items():
                sums[name] = sums[name] + each if name in sums else each
            if advance is not None:
                advance(window.num_targets)
        return sums, state

    def _window(self, starts: NDArray[np.int64], length: int, *, is_scored: bool) -> Window:
        symbols = torch.from_numpy(self._tokens.columns(starts, length + 1))
        targets = symbols[1:] if is_scored else torch.full_like(symbols[1:], IGNORED)
        num_targets = targets.numel() if is_scored else 0
        return Window(symbols[:-1], targets, fresh=False, num_targets=num_targets, starts=torch.from_numpy(starts))

    def _score(self, window: Window, state: State, *, observe: Observe | None) -> tuple[dict[str, Tensor], State]:
        """Returns the summed code lengths of each stretch, float64 `[stretches]`, by model, and the state after."""
        num_stretches, is_cpu = window.inputs.shape[1], self._device.type == "cpu"
        score = partial(
            score_lanes,
            self._model,
            window,
            state,
            device=self._device,
            observe=observe,
            workers=self._workers if num_stretches == 1 and is_cpu else None,
        )
        borders = group_borders(num_stretches, usual_groups(num_stretches) if is_cpu else 1)
        groups = self._workers.map(score, borders, work=window.inputs.numel())
        names = groups[0][0]
        sums = {name: torch.cat([nats[name].sum(dim=0) for nats, _ in groups]) for name in names}
        return sums, join_batch([after for _, after in groups])

    def _add(self, sums: Mapping[str, float]) -> None:
        for name, each in sums.items():
            self.totals[name] = self.totals.get(name, 0.0) + each


def _window_length(num_stretches: int, vocabulary_size: int) -> int:
    """Returns the number of steps of a window, as long as its logits are not too many."""
    if num_stretches == 1:
        # Several pieces, which layers can read side by side.
        return PIECE * max(1, min(_MOST_PIECES, _MOST_LOGITS // (PIECE * vocabulary_size)))
    return window_length(-(-num_stretches // usual_groups(num_stretches)), vocabulary_size)


def _is_near(state: State, other: State) -> bool:
    """Returns whether two states are the same but for rounding; one with numbers that are none is near to nothing."""
    return all(bool(((one - two).abs() <= _TOLERANCE).all()) for one, two in zip(state, other, strict=True))
