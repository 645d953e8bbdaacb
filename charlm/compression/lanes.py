"""Lanes: the parts of a text that a model reads side by side, one symbol each at a time."""

from collections.abc import Sequence
from typing import final

import numpy as np
from numpy.typing import NDArray

from charlm.data.tokenizers.base import Tokenizer, Tokens
from charlm.stepping.base import Floats, StepModel, Stepper


def cut_lanes(tokens: Tokens, *, num_lanes: int, end: int | None) -> list[Tokens]:
    """Returns the symbols in `num_lanes` parts, about as long as one another.

    Args:
        end: the symbol that parts of records end with; None for running text.
    """
    borders = np.arange(1, num_lanes) * len(tokens) // num_lanes
    if end is not None:
        stops = np.concatenate(([0], np.flatnonzero(tokens == end) + 1))
        borders = stops[np.searchsorted(stops, borders)]
    return np.split(tokens, borders)


@final
class LaneReader:
    """Reads lanes symbol by symbol, as `charlm eval perplexity` does: running text as one, records each from the start.

    The begins of records are read, but are no symbols of a lane.

    Attributes:
        last: the last symbol of each lane, `[lanes]`, to be set after each symbol; None before the first ones of
            running text.

    Args:
        restarts: whether the model has to be told that records begin; one that adapts sees it.
        last: where the lanes go on from, and `stepper` likewise; None for the beginning of a text.
    """

    def __init__(
        self,
        model: StepModel,
        tokenizer: Tokenizer,
        *,
        num_lanes: int,
        restarts: bool = True,
        last: Tokens | None = None,
        stepper: Stepper | None = None,
    ) -> None:
        self.num_lanes = num_lanes
        self.vocabulary_size = model.vocabulary_size
        self.last = last
        if last is None and tokenizer.end is not None:
            self.last = np.full(num_lanes, tokenizer.end)
        self._model = model
        self._tokenizer = tokenizer
        self._begin = tokenizer.begin
        self._restarts = restarts
        self._stepper = model.stepper(model.initial_state(num_lanes)) if stepper is None else stepper

    def copy(self) -> "LaneReader":
        """Returns a reader that goes on from here on its own."""
        return LaneReader(
            self._model,
            self._tokenizer,
            num_lanes=self.num_lanes,
            restarts=self._restarts,
            last=self.last,
            stepper=self._model.stepper(self._stepper.state()),
        )

    def logits(self) -> Floats:
        """Reads the last symbol of each lane and returns the logits of the next, `[lanes, vocabulary]`.

        The next call overwrites them. The first symbols of running text are all equally likely.
        """
        if self.last is None:
            return np.zeros((self.num_lanes, self.vocabulary_size), dtype=np.float32)
        tokens = self.last
        if self._begin is not None:
            tokens = self._begin_records(tokens, np.flatnonzero(tokens == self._tokenizer.end), begin=self._begin)
        return self._stepper.step(tokens)

    def _begin_records(self, last: Tokens, ended: NDArray[np.intp], *, begin: int) -> Tokens:
        """Returns the symbols to read where the records of some lanes have ended: those lanes begin anew."""
        if not len(ended):
            return last
        if self._restarts:
            state = self._model.initial_state(self.num_lanes)
            if len(ended) < self.num_lanes:
                for part, before in zip(state, self._stepper.state(), strict=True):
                    others = np.setdiff1d(np.arange(self.num_lanes), ended)
                    part[:, others] = before[:, others]
            self._stepper = self._model.stepper(state)
        tokens = last.copy()
        tokens[ended] = begin
        return tokens


def in_columns(lanes: Sequence[Tokens], *, before: Tokens | None) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Returns lanes side by side, `[time, lanes]`, and where there are symbols of theirs; elsewhere is a lane's last.

    Args:
        before: the last symbol of each lane before these, `[lanes]`; None for none.
    """
    lengths = np.array([len(lane) for lane in lanes])
    columns = np.zeros((lengths.max(), len(lanes)), dtype=np.int32)
    if before is not None:
        columns[:] = before
    for column, lane in zip(columns.T, lanes, strict=True):
        if len(lane):
            column[:] = lane[-1]
            column[: len(lane)] = lane
    return columns, np.arange(len(columns))[:, None] < lengths
