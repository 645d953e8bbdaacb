"""Which unit of a recurrent network tracks what: every unit is measured against every property of a text.

Such units were shown by Karpathy, Johnson and Fei-Fei (2015), "Visualizing and understanding recurrent networks".
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from charlm.data.code_points import code_points
from charlm.data.tokenfile import TokenFile
from charlm.data.tokenizers.base import Tokenizer, Tokens
from charlm.evaluation.text_properties import LOOKBACK, PROPERTIES, text_properties
from charlm.stepping.base import StepModel
from charlm.stepping.restarting import restarting

Numbers = NDArray[np.float64]

_MOST_LANES = 64
_SHORTEST_LANE = 1024
_WARM_UP = 64
_CHUNK = 2048
_STRETCH = 64
"""Symbols of each lane whose values are held at a time."""

_FEWEST = 20
"""Places at which a property must hold, and as many at which it must not."""

_IS_NUMBER = np.array([each.is_number for each in PROPERTIES])


@dataclass
class Moments:
    """Sums over places of a text, from which effects follow; bounded however long the text is.

    Attributes:
        num_units: of all layers together.
    """

    num_units: int
    count: int = 0
    values: Numbers = field(init=False)
    squares: Numbers = field(init=False)
    properties: Numbers = field(init=False)
    property_squares: Numbers = field(init=False)
    products: Numbers = field(init=False)
    square_products: Numbers = field(init=False)

    def __post_init__(self) -> None:
        self.values, self.squares = np.zeros((2, self.num_units))
        self.properties, self.property_squares = np.zeros((2, len(PROPERTIES)))
        self.products, self.square_products = np.zeros((2, self.num_units, len(PROPERTIES)))

    def add(self, values: NDArray[np.float32], properties: NDArray[np.float32]) -> None:
        """Adds places: the units' values `[places, units]`, and the properties `[places, properties]`."""
        exact, known = values.astype(np.float64), properties.astype(np.float64)
        squares = exact * exact
        self.count += len(values)
        self.values += exact.sum(axis=0)
        self.squares += squares.sum(axis=0)
        self.properties += known.sum(axis=0)
        self.property_squares += (known * known).sum(axis=0)
        self.products += exact.T @ known
        self.square_products += squares.T @ known

    def means(self) -> tuple[Numbers, Numbers]:
        """Returns each unit's mean where each property holds, and where it does not, `[units, properties]`."""
        held = np.maximum(self.properties, 1)
        others = np.maximum(self.count - self.properties, 1)
        return self.products / held, (self.values[:, None] - self.products) / others

    def effects(self) -> Numbers:
        """Returns the effect of each property on each unit, `[units, properties]`; NaN where it was met too rarely.

        For a number it is the correlation. Otherwise it is Cohen's d (1988): the difference of the means where the
        property holds and where it does not, in standard deviations within both.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            # A unit that never changes tracks nothing.
            effects = np.nan_to_num(np.where(_IS_NUMBER, self._correlations(), self._differences()), posinf=0, neginf=0)
        effects[:, ~self._are_met()] = np.nan
        return effects

    def _are_met(self) -> NDArray[np.bool_]:
        varies = self.count * self.property_squares > self.properties**2 * (1 + 1e-9)
        is_met = (self.properties >= _FEWEST) & (self.count - self.properties >= _FEWEST)
        return np.where(_IS_NUMBER, varies & (self.count >= 2 * _FEWEST), is_met)

    def _correlations(self) -> Numbers:
        covariance = self.count * self.products - self.values[:, None] * self.properties
        spread = np.maximum(self.count * self.squares - self.values**2, 0)[:, None]
        result: Numbers = covariance / np.sqrt(spread * (self.count * self.property_squares - self.properties**2))
        return result

    def _differences(self) -> Numbers:
        held, others = self.means()
        within = self.square_products - self.properties * held**2
        within += (self.squares[:, None] - self.square_products) - (self.count - self.properties) * others**2
        result: Numbers = (held - others) / np.sqrt(np.maximum(within, 0) / (self.count - 2))
        return result


def measure_units(
    network: StepModel,
    tokens: TokenFile,
    tokenizer: Tokenizer,
    *,
    part: int,
    num_symbols: int,
    advance: Callable[[int], None],
) -> tuple[Moments, Moments]:
    """Returns the moments over the first and over the second half of what was read.

    Units that are chosen by the first are judged by the second. The text is read as up to 64 stretches side by side,
    spread over all of it, each from a zero state; their first 64 symbols do not count. Of records, neither do begins
    and ends.

    Args:
        part: which array of the network's state holds the units, `[layers, streams, units]`.
        num_symbols: how many to read, as long as there are as many.
        advance: is given the number of symbols read since its last call.
    """
    num_symbols = min(num_symbols, len(tokens))
    num_lanes = max(1, min(_MOST_LANES, num_symbols // _SHORTEST_LANE))
    length = num_symbols // num_lanes
    starts = [lane * (len(tokens) // num_lanes) for lane in range(num_lanes)]
    state = network.initial_state(num_lanes)
    layers, _, size = state[part].shape
    halves = Moments(layers * size), Moments(layers * size)
    for begin in range(0, length, _CHUNK):
        end = min(begin + _CHUNK, length)
        symbols = tokens.columns(np.array(starts) + begin, end - begin)
        known = np.stack([properties_of(tokens, tokenizer, start + begin, start + end) for start in starts], axis=1)
        stepper = restarting(network, tokenizer.begin).stepper(state)
        for first in range(0, end - begin, _STRETCH):
            stretch = symbols[first : first + _STRETCH]
            values = np.empty((len(stretch), num_lanes, layers, size), dtype=np.float32)
            for row, each in zip(values, stretch, strict=True):
                stepper.step(each)
                row[:] = stepper.state()[part].transpose(1, 0, 2)
            if begin + first >= _WARM_UP:
                places = known[first : first + _STRETCH].reshape(-1, len(PROPERTIES))
                counts = _are_characters(stretch.ravel(), tokenizer)
                half = halves[2 * (begin + first) >= length]
                half.add(values.reshape(len(places), -1)[counts], places[counts])
            advance(stretch.size)
        state = stepper.state()
    return halves


def _are_characters(symbols: Tokens, tokenizer: Tokenizer) -> NDArray[np.bool_]:
    """Returns which symbols are neither the begin nor the end of a record."""
    marks = [mark for mark in (tokenizer.begin, tokenizer.end) if mark is not None]
    return ~np.isin(symbols, marks)


def properties_of(tokens: TokenFile, tokenizer: Tokenizer, start: int, stop: int) -> NDArray[np.float32]:
    """Returns the properties after each of the symbols `start … stop - 1`, `[symbols, properties]`.

    They are those of the last character that the symbols so far complete.
    """
    context = max(0, start - LOOKBACK)
    symbols = tokens.read(context, stop)
    data = b"".join(tokenizer.pieces[token] for token in symbols.tolist())
    ends = np.cumsum([len(tokenizer.pieces[token]) for token in symbols.tolist()])[start - context :]
    text = data.decode("utf-8", "surrogateescape")
    codes = code_points(text)
    lengths = 1 + (codes >= 0x80) + (codes >= 0x800) + (codes >= 0x10000)
    lengths[(codes >= 0xDC80) & (codes <= 0xDCFF)] = 1  # A byte that is no UTF-8.
    characters = np.searchsorted(np.cumsum(lengths), ends, side="right") - 1
    values = text_properties(text, are_records=tokenizer.begin is not None)
    found: NDArray[np.float32] = values[:, np.maximum(characters, 0)].T
    return found
