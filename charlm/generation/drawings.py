"""One text that is drawn as one of a batch: its prompt, its random numbers, and what it was given so far."""

import math
from typing import NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from charlm.config import SamplingConfig
from charlm.data.tokenizers.base import Tokenizer, Tokens
from charlm.generation.generator import LONGEST_PROMPT, Sample
from charlm.generation.sampling import Logits, uniform_stream
from charlm.stepping.base import State, StepModel
from charlm.stepping.engine import READING_CHUNK


@final
class Prompt:
    """The symbols before a text, which several texts may have in common; read once, a stretch at a time.

    Only the last `LONGEST_PROMPT` are read. The last symbol of all is read by the first step.

    Attributes:
        state: the model's state after what was read, of one stream; None before any.
        last: the last symbol.
    """

    def __init__(self, tokens: Tokens) -> None:
        assert len(tokens)
        self.state: State | None = None
        self.last = int(tokens[-1])
        self._tokens = tokens[-LONGEST_PROMPT:-1]
        self._num_read = 0

    @property
    def is_read(self) -> bool:
        """Whether it is read to its end."""
        return self.state is not None and self._num_read == len(self._tokens)

    def read_on(self, model: StepModel) -> int:
        """Reads the next stretch, and returns how many symbols it has."""
        # These stretches, as then the state is to the last bit that of one call for the whole prompt.
        stretch = self._tokens[self._num_read : self._num_read + READING_CHUNK]
        before = model.initial_state(1) if self.state is None else self.state
        self.state = model.read(stretch, before)
        self._num_read += len(stretch)
        return len(stretch)


class Likely(NamedTuple):
    """A symbol and the logarithm of its probability under the model, at temperature 1."""

    symbol: int
    log_probability: float


class Drawn(NamedTuple):
    """A symbol that was drawn.

    Attributes:
        text: what can be shown from now on, in whole characters; the text before it may have waited for it.
        start: the number of characters of the text before the symbol.
        own: the symbol as the model saw it, and `likeliest` the symbols that it took for the likeliest, the likeliest
            first; None and empty where these were not asked for.
        end: why the text ends with it, None where it goes on: "stop" at the end of a record or before a stop string,
            "length" after as many symbols as were asked for.
    """

    symbol: int
    text: str
    start: int
    own: Likely | None
    likeliest: tuple[Likely, ...]
    end: str | None


@final
class Drawing:
    """A text that is drawn symbol by symbol.

    Args:
        settings: how symbols are drawn, and stop strings; its length and its seed are not used.
        most_symbols: after so many the text is cut, 1 or more.
        seed: of its own random numbers, which nothing else draws from.
        num_likeliest: how many of the likeliest symbols are given with each symbol; None for no probabilities.
        is_exact: whether its numbers must be, to the last bit, those of the text alone.

    Attributes:
        is_cancelled: set by whoever no longer wants it.
        numbers: its own uniform numbers.
        last: its last symbol.
    """

    def __init__(
        self,
        prompt: Prompt,
        tokenizer: Tokenizer,
        settings: SamplingConfig,
        *,
        most_symbols: int,
        seed: int,
        num_likeliest: int | None = None,
        is_exact: bool = True,
    ) -> None:
        self.prompt = prompt
        self.settings = settings.model_copy(update={"length": 0, "seed": None})
        # Texts with the same values here are drawn together.
        self.manner = (settings.temperature, settings.top_k, settings.top_p, settings.min_p)
        self.last = prompt.last
        self.is_exact = is_exact
        self.is_cancelled = False
        self.numbers = uniform_stream(seed)
        self._sample = Sample(0, tokenizer, self.settings)
        self._num_left = most_symbols
        self._num_likeliest = num_likeliest

    @property
    def goes_on(self) -> bool:
        """Whether it has neither ended nor been cancelled."""
        return not (self._sample.finished or self.is_cancelled)

    def accept(self, symbol: int, logits: Logits) -> Drawn:
        """Takes the symbol that was drawn from logits `[vocabulary]`."""
        self.last = symbol
        self._num_left -= 1
        sample, end = self._sample, None
        start = sample.num_decoded
        text = sample.advance(symbol)
        if sample.finished:
            end = "stop"
        elif self._num_left == 0:
            text, end = text + sample.cut(), "length"
        if self._num_likeliest is None:
            return Drawn(symbol, text, start, None, (), end)
        own, likeliest = _likely(logits, symbol, most=self._num_likeliest)
        return Drawn(symbol, text, start, own, likeliest, end)


def _likely(logits: Logits, symbol: int, *, most: int) -> tuple[Likely, tuple[Likely, ...]]:
    below: NDArray[np.float64] = logits.astype(np.float64) - float(logits.max())
    known = below - math.log(float(np.exp(below).sum()))
    order = np.argsort(-known, kind="stable")[:most].tolist()
    return Likely(symbol, float(known[symbol])), tuple(Likely(each, float(known[each])) for each in order)
