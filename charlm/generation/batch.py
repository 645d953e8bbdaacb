"""A batch of texts that are drawn together, a symbol of each in a step; texts come and go between steps."""

from collections import deque
from collections.abc import Iterable, Iterator
from functools import partial
from typing import final

import numpy as np

from charlm.data.tokenizers.base import Tokenizer
from charlm.generation.drawings import Drawing, Drawn
from charlm.generation.generator import never_drawn
from charlm.generation.sampling import Logits, Probabilities, draw_symbols, possible_symbols
from charlm.stepping.base import State, StepModel, Stepper, select_streams
from charlm.stepping.engine import READING_CHUNK

_MOST_TOGETHER = 256
_ENDED_SHARE = 0.25
"""A group is made anew for those that are left once so many of its texts have ended; each costs a step until then."""


@final
class Batch:
    """Texts that are drawn together, each from its own random numbers and with its own settings.

    A text that is exact gets, to the last bit, the logits that it gets alone: these are stepped in groups of the
    model's `exact_streams`. All others are one group, whose products are one product.

    Args:
        model: for exact texts and for prompts.
        joint: the same model, maybe computing several streams in one product.
    """

    def __init__(self, model: StepModel, joint: StepModel, tokenizer: Tokenizer) -> None:
        self._model = model
        self._possible = possible_symbols(model.vocabulary_size, excluded=never_drawn(tokenizer))
        self._unread: deque[Drawing] = deque()
        self._joint = joint
        self._groups: list[_Group] = []

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not self._unread and not self._groups

    @property
    def num_drawings(self) -> int:
        """Texts that are being drawn or whose prompt is being read."""
        return len(self._unread) + sum(group.num_going_on for group in self._groups)

    def add(self, drawings: Iterable[Drawing]) -> None:
        """Adds texts, which are drawn from the next steps on."""
        self._unread.extend(drawings)

    def step(self) -> list[tuple[Drawing, Drawn]]:
        """Reads a stretch of the prompts and draws a symbol of every text whose prompt is read.

        Raises:
            CharlmError: the model's output is not finite.
        """
        for drawing in self._read_prompts():
            self._place(drawing)
        drawn = [each for group in self._groups for each in group.step(self._possible)]
        self._groups = [group for group in self._groups if group.num_going_on]
        return drawn

    def clear(self) -> None:
        """Takes all texts out."""
        self._unread.clear()
        self._groups.clear()

    def _read_prompts(self) -> list[Drawing]:
        """Reads so much of the prompts that a step waits for it only shortly; returns the texts that can begin."""
        ready, left = [], READING_CHUNK
        while self._unread and left > 0:
            drawing = self._unread.popleft()
            if drawing.is_cancelled:
                continue
            if not drawing.prompt.is_read:
                left -= 1 + drawing.prompt.read_on(self._model)
            if drawing.prompt.is_read:
                ready.append(drawing)
            else:  # Behind the others, whose prompts may be short.
                self._unread.append(drawing)
        return ready

    def _place(self, drawing: Drawing) -> None:
        model = self._model if drawing.is_exact else self._joint
        most = model.exact_streams if drawing.is_exact else _MOST_TOGETHER
        for group in self._groups:
            if group.is_exact == drawing.is_exact and group.num_going_on < most:
                break
        else:
            group = _Group(model, is_exact=drawing.is_exact)
            self._groups.append(group)
        group.join(drawing)


@final
class _Group:
    """Texts that one stepper reads."""

    def __init__(self, model: StepModel, *, is_exact: bool) -> None:
        self.is_exact = is_exact
        self._model = model
        self._stepper: Stepper | None = None
        self._rows: list[Drawing] = []
        self._joining: list[Drawing] = []

    @property
    def num_going_on(self) -> int:
        """Texts that have not ended."""
        return sum(1 for each in (*self._rows, *self._joining) if _goes_on(each))

    def join(self, drawing: Drawing) -> None:
        """Adds a text whose prompt is read."""
        self._joining.append(drawing)

    def step(self, possible: Logits) -> Iterator[tuple[Drawing, Drawn]]:
        """Yields the next symbol of each text."""
        stepper = self._current_stepper()
        if stepper is None:
            return
        logits = stepper.step(np.array([drawing.last for drawing in self._rows], dtype=np.int64))
        alike: dict[object, list[int]] = {}
        for row, drawing in enumerate(self._rows):
            if _goes_on(drawing):
                alike.setdefault(drawing.manner, []).append(row)
        for rows in alike.values():
            drawings = [self._rows[row] for row in rows]
            chosen = logits if len(rows) == len(self._rows) else logits[rows]
            symbols = draw_symbols(chosen, possible, drawings[0].settings, partial(_next_numbers, drawings))
            for drawing, symbol, row in zip(drawings, symbols.tolist(), rows, strict=True):
                yield drawing, drawing.accept(symbol, logits[row])

    def _current_stepper(self) -> Stepper | None:
        """Returns the stepper of the present texts, made anew where texts joined or many have ended."""
        ended = sum(1 for each in self._rows if not _goes_on(each))
        if not self._joining and ended <= _ENDED_SHARE * len(self._rows):
            return self._stepper
        kept = [row for row, drawing in enumerate(self._rows) if _goes_on(drawing)]
        joining = [drawing for drawing in self._joining if _goes_on(drawing)]
        states = [drawing.prompt.state for drawing in joining if drawing.prompt.state is not None]
        if kept and self._stepper is not None:
            states.insert(0, select_streams(self._stepper.state(), np.array(kept)))
        self._rows = [*(self._rows[row] for row in kept), *joining]
        self._joining = []
        self._stepper = self._model.stepper(_side_by_side(states)) if states else None
        return self._stepper


def _next_numbers(drawings: list[Drawing]) -> Probabilities:
    return np.concatenate([drawing.next_number() for drawing in drawings])


def _goes_on(drawing: Drawing) -> bool:
    return not (drawing.is_finished or drawing.is_cancelled)


def _side_by_side(states: list[State]) -> State:
    return tuple(np.concatenate(parts, axis=1) for parts in zip(*states, strict=True))
