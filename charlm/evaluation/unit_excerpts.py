"""Pieces of text with the value of one unit after each symbol."""

import re
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np

from charlm.data.tokenfile import TokenFile
from charlm.data.tokenizers.base import Tokenizer
from charlm.evaluation.text_properties import PROPERTIES, Property
from charlm.evaluation.units import properties_of
from charlm.stepping.base import StepModel
from charlm.stepping.restarting import restarting

_LENGTH = 240
_SEARCHED = 16_384
_READ_BEFORE = 256


class Unit(NamedTuple):
    """A unit by its layer and its number, both from 1; written as 2:117."""

    layer: int
    number: int

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Returns the unit that is written so; None where none is."""
        match = re.fullmatch(r"([0-9]{1,9}):([0-9]{1,9})", text, re.ASCII)
        return cls(*map(int, match.groups())) if match else None

    def __str__(self) -> str:
        return f"{self.layer}:{self.number}"


@dataclass(frozen=True)
class Excerpt:
    """A piece of text, and the value of a unit after each of its symbols.

    Attributes:
        property: the name of what the unit tracks; None for a unit that was asked for.
        pieces: the text that each symbol completes.
    """

    property: str | None
    unit: str
    pieces: tuple[str, ...]
    values: tuple[float, ...]


@dataclass(frozen=True)
class UnitReader:
    """A network and a text for it to read.

    Attributes:
        part: which array of the network's state holds the units.
    """

    network: StepModel
    tokens: TokenFile
    tokenizer: Tokenizer
    part: int

    def excerpt(self, unit: Unit, *, start: int, length: int = _LENGTH, property: str | None = None) -> Excerpt:
        """Returns the symbols from `start` on, with a unit's values; the 256 symbols before are read, too."""
        first = max(0, start - _READ_BEFORE)
        symbols = self.tokens.read(first, start + length)
        decoder = self.tokenizer.decoder()
        stepper = restarting(self.network, self.tokenizer.begin).stepper(self.network.initial_state(1))
        pieces, values = [], []
        for token in symbols.tolist():
            stepper.step(np.array([token]))
            pieces.append(decoder.feed(token))
            values.append(round(float(stepper.state()[self.part][unit.layer - 1, 0, unit.number - 1]), 4))
        return Excerpt(property, str(unit), tuple(pieces[start - first :]), tuple(values[start - first :]))

    def telling_excerpt(self, unit: Unit, property: Property) -> Excerpt:
        """Returns an excerpt near the beginning in which a property changes most."""
        known = properties_of(self.tokens, self.tokenizer, 0, min(len(self.tokens), _SEARCHED))
        column = known[:, PROPERTIES.index(property)]
        starts = range(0, max(1, len(column) - _LENGTH), _LENGTH // 4)
        start = max(starts, key=lambda first: float(column[first : first + _LENGTH].var()))
        return self.excerpt(unit, start=start, property=property.name)
