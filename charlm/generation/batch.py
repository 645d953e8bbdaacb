"""A batch of texts that are drawn together, a symbol of each in a step; texts come and go between steps."""

from collections import deque
from collections.abc import Iterable
from functools import partial
from typing import final

import numpy as np
from numpy.typing import NDArray

from charlm.data.tokenizers.base import Tokenizer
from charlm.generation.drawings import Drawing, Drawn
from charlm.generation.generator import never_drawn
from charlm.generation.sampling import Probabilities, draw_symbols, possible_symbols
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

    def forget_cancelled(self) -> None:
        """Takes out the texts that were cancelled."""
        self._unread = deque(drawing for drawing in self._unread if drawing.goes_on)
        for group in self._groups:
            group.sort_out()
        self._groups = [group for group in self._groups if group.num_going_on]

    def clear(self) -> None:
        """Takes all texts out."""
        self._unread.clear()
        self._groups.clear()

    def _read_prompts(self) -> list[Drawing]:
        """Reads so much of the prompts that a step waits for it only shortly; returns the texts that can begin."""
        ready, left = [], READING_CHUNK
        while self._unread and left > 0:
            drawing = self._unread.popleft()
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
    """Texts that one stepper reads.

    Attributes:
        num_going_on: texts that have not ended.
    """

    def __init__(self, model: StepModel, *, is_exact: bool) -> None:
        self.is_exact = is_exact
        self.num_going_on = 0
        self._model = model
        self._stepper: Stepper | None = None
        self._rows: list[Drawing] = []
        self._joining: list[Drawing] = []
        self._alike: list[list[int]] = []

    def join(self, drawing: Drawing) -> None:
        """Adds a text whose prompt is read."""
        self._joining.append(drawing)
        self.num_going_on += 1

    def step(self, possible: NDArray[np.float32]) -> list[tuple[Drawing, Drawn]]:
        """Returns the next symbol of each text."""
        if self._joining or self.num_going_on < (1 - _ENDED_SHARE) * len(self._rows):
            self._renew()
        if self._stepper is None:
            return []  # All were cancelled just now.
        logits = self._stepper.step(np.array([drawing.last for drawing in self._rows], dtype=np.int64))
        drawn = []
        for rows in self._alike:
            drawings = [self._rows[row] for row in rows]
            chosen = logits if len(rows) == len(self._rows) else logits[rows]
            symbols = draw_symbols(chosen, possible, drawings[0].settings, partial(_next_numbers, drawings))
            for drawing, symbol, row in zip(drawings, symbols.tolist(), rows, strict=True):
                drawn.append((drawing, drawing.accept(symbol, logits[row])))
        if any(each.end is not None for _, each in drawn):
            self.sort_out()
        return drawn

    def sort_out(self) -> None:
        """Leaves out the texts that do not go on; each keeps its row until there are many of them."""
        alike: dict[object, list[int]] = {}
        for row, drawing in enumerate(self._rows):
            if drawing.goes_on:
                alike.setdefault(drawing.manner, []).append(row)
        self._joining = [drawing for drawing in self._joining if drawing.goes_on]
        self._alike = list(alike.values())
        self.num_going_on = sum(map(len, self._alike)) + len(self._joining)

    def _renew(self) -> None:
        """Takes in those that joined, gives up the rows of those that ended, and makes a stepper for all."""
        kept = [row for row, drawing in enumerate(self._rows) if drawing.goes_on]
        states = [drawing.prompt.state for drawing in self._joining if drawing.prompt.state is not None]
        if kept and self._stepper is not None:
            states.insert(0, select_streams(self._stepper.state(), np.array(kept)))
        self._rows = [*(self._rows[row] for row in kept), *self._joining]
        self._joining = []
        self._stepper = self._model.stepper(_side_by_side(states)) if states else None
        self.sort_out()


def _next_numbers(drawings: list[Drawing]) -> Probabilities:
    return np.array([next(drawing.numbers) for drawing in drawings])[:, None]


def _side_by_side(states: list[State]) -> State:
    return tuple(np.concatenate(parts, axis=1) for parts in zip(*states, strict=True))
