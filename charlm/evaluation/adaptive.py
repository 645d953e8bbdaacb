"""The exact code length of a text under a model that learns from each symbol after it was charged for it."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch

from charlm.data.encoder import EncodedText
from charlm.data.lanes import IGNORED, Window
from charlm.data.tokenfile import TokenFile
from charlm.data.tokenizers.base import Tokenizer
from charlm.evaluation.windows import record_windows, stream_windows
from charlm.models.base import LanguageModel, Parts, State
from charlm.models.threads import using_threads
from charlm.stepping.adaptation import Adaptation, Evidence

_PIECE = 2048
Advance = Callable[[int], None]


class Reader(Protocol):
    """What predicts windows of a text, one after the other, for an adaptation to refine.

    Attributes:
        length: symbols that it reads at once.
    """

    length: int

    def read(self, window: Window) -> Parts:
        """Returns what is predicted in a window; the next one goes on from it, or is fresh."""


@dataclass
class StaticReader:
    """Reads with a model that does not change."""

    model: LanguageModel
    device: torch.device
    length: int = _PIECE
    state: State = ()

    @torch.inference_mode()
    def read(self, window: Window) -> Parts:
        """Returns what the model's parts predict in a window."""
        if window.fresh:
            self.state = self.model.initial_state(window.inputs.shape[1])
        parts, self.state = self.model.parts(window.inputs.to(self.device), self.state)
        return parts


def windows_in_order(tokens: TokenFile, tokenizer: Tokenizer, *, length: int) -> Iterator[Window]:
    """Yields the windows of a text so that their lanes, one after the other, are the text in its order."""
    if tokenizer.begin is None:
        return stream_windows(tokens, length=length)
    return record_windows(tokens, begin=tokenizer.begin, most_symbols=length)


@using_threads(1)
def adapted_nats(
    reader: Reader,
    windows: Iterable[Window],
    adaptation: Adaptation,
    *,
    advance: Advance | None = None,
) -> float:
    """Returns the summed code lengths of all targets of windows in the text's order; each is learnt once charged."""
    nats = 0.0
    for window, parts in _read_ahead(reader, windows):
        # [batch, time, parts, vocabulary]: in the order of the text.
        known = torch.stack(parts.log_probabilities, dim=2).transpose(0, 1).cpu().numpy()
        seen_before = None if parts.totals is None else Evidence.of(parts.totals).T
        evidence = np.zeros(known.shape[:2], dtype=np.int64) if seen_before is None else seen_before
        firsts, targets = window.inputs[0].tolist(), window.targets.T.tolist()
        probabilities = []
        for lane, first in enumerate(firsts):
            if window.fresh:
                adaptation.begin(first)
            for rows, seen, target in zip(known[lane], evidence[lane].tolist(), targets[lane], strict=True):
                if target == IGNORED:
                    break
                probabilities.append(adaptation.predict(rows, seen)[target])
                adaptation.learn(target)
        nats -= float(np.log(probabilities).sum())
        if advance is not None:
            advance(window.num_targets)
    return nats


def _read_ahead(reader: Reader, windows: Iterable[Window]) -> Iterator[tuple[Window, Parts]]:
    """Yields windows and what is predicted in them, which for the next one is found out on a thread meanwhile.

    One stream's matrix-vector products gain less from a second core than an adaptation beside them does.
    """

    def read(window: Window) -> Parts:
        with using_threads(1):
            return reader.read(window)

    with ThreadPoolExecutor(1) as pool:
        earlier: tuple[Window, Future[Parts]] | None = None
        for window in windows:
            now = window, pool.submit(read, window)
            if earlier is not None:
                yield earlier[0], earlier[1].result()
            earlier = now
        if earlier is not None:
            yield earlier[0], earlier[1].result()


def text_nats(
    reader: Reader, text: EncodedText, tokenizer: Tokenizer, adaptation: Adaptation, *, advance: Advance | None = None
) -> float:
    """Returns the summed code lengths of a whole text, which `make_score` makes a score of."""
    windows = windows_in_order(text.tokens, tokenizer, length=reader.length)
    return adapted_nats(reader, windows, adaptation, advance=advance)
