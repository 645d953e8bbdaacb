"""Which character an unknown symbol stands for, learnt from the text while it is read.

A character that was met before is found by the counts of what unknown symbols stood for after the last few symbols,
as charlm/ngrams/growing.py counts; what is left there is for a new one. A new one is found by the digits of its code
point, from block to block of code points: where f code points of a block may still come, k are in the vocabulary and m
were met, its probability among the blocks of the same size is proportional to

    f * (k + 4 m + 1)

so that every code point without a symbol has a probability, and these sum to one.
"""

from collections.abc import Callable
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from charlm.data.tokenizers.base import Tokenizer
from charlm.ngrams.growing import GrowingCounts
from charlm.stepping.base import Symbols

Choose = Callable[[NDArray[np.float64], int | None], int]
"""Is given the weights of some choices, and which one it is or None, and returns which one it is."""

_CONTEXT = 4
_MOST_MET = 1 << 13
_MOST_CONTEXTS = 1 << 17
_SHIFTS = (12, 8, 4, 0)
"""Of code points to the numbers of their blocks, of 4096, 256, 16 and 1 of them."""
_PER_MET = 4
_NUM_CODE_POINTS = 0x110000
_INVALID_BYTES = 0xDC80, 0xDD00
"""Halves of surrogate pairs that stand for bytes that are no text (PEP 383); the others are in no text."""
_SURROGATES = 0xD800, 0xE000


def unknown_text(text: str, tokenizer: Tokenizer) -> str:
    """Returns the characters of a text that the vocabulary lacks, each as often as it comes."""
    listed = tokenizer.unknown_characters(text if tokenizer.begin is None else text.replace("\n", ""))
    return "".join(filter(set(listed).__contains__, text)) if listed else ""


@final
class UnknownCharacters:
    """The characters that unknown symbols stood for so far, and what that says of the next ones.

    Memory is bounded: of more than 8,191 different ones, and in too many contexts, what was met is forgotten.

    Args:
        tokenizer: one with an unknown symbol.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        assert tokenizer.unknown is not None
        self._unknown = tokenizer.unknown
        self._num_symbols = tokenizer.vocabulary_size
        pieces = enumerate(tokenizer.pieces)
        self._known = [ord(piece.decode()) for symbol, piece in pieces if piece and symbol != self._unknown]
        # The last symbols; a number from num_symbols on is that of an unknown character that was met.
        self._before = [self._unknown] * _CONTEXT
        self._forget()

    def read(self, tokens: Symbols, characters: str | None, choose: Choose) -> str:
        """Returns the characters that the unknown symbols of the next stretch of a text stand for, and learns them.

        Args:
            tokens: the symbols `[time]`, without the begins of records.
            characters: what is returned, to ask `choose` for its charge or its code; None where it has to find out.
            choose: is asked two to five times for each.
        """
        symbols = [*self._before, *tokens.tolist()]
        found = []
        for number, place in enumerate(np.flatnonzero(tokens == self._unknown).tolist()):
            actual = None if characters is None else ord(characters[number])
            symbols[place + _CONTEXT], character = self._read_one(symbols[place : place + _CONTEXT], actual, choose)
            found.append(chr(character))
        self._before = symbols[-_CONTEXT:]
        return "".join(found)

    def _read_one(self, before: list[int], actual: int | None, choose: Choose) -> tuple[int, int]:
        """Returns the number of a character, for contexts, and its code point."""
        counts, num_met = self._counts, len(self._met)
        counts.restart(before[0])
        for symbol in before[1:]:
            counts.read(symbol)
        number = 0
        if num_met:
            shares = np.zeros(self._num_symbols + _MOST_MET)
            shares[self._unknown] = 1.0
            counts.refine(shares, out=shares)
            # Those that were met, and last what is left for a new one.
            weights = np.append(shares[self._num_symbols :][:num_met], shares[self._unknown])
            number = choose(weights, None if actual is None else self._numbers.get(actual, num_met))
        if number == num_met:
            new = self._unmet.take(actual, choose)
            self._met.append(new)
            self._numbers[new] = number
        character = self._met[number]
        counts.learn(self._num_symbols + number)
        if len(self._met) == _MOST_MET or counts.generation:
            self._forget()
        return self._num_symbols + number, character

    def _forget(self) -> None:
        self._met: list[int] = []
        self._numbers: dict[int, int] = {}
        size = self._num_symbols + _MOST_MET
        self._counts = GrowingCounts(size, order=_CONTEXT + 1, most_contexts=_MOST_CONTEXTS)
        self._unmet = _Unmet(self._known)


@final
class _Unmet:
    """The characters that are neither in the vocabulary nor were met, in blocks of code points."""

    def __init__(self, known: list[int]) -> None:
        free = np.ones(_NUM_CODE_POINTS, dtype=np.int16)
        free[slice(*_SURROGATES)] = 0
        free[slice(*_INVALID_BYTES)] = 1
        free[known] = 0
        near = np.zeros(_NUM_CODE_POINTS, dtype=np.int16)
        near[known] = 1
        self._free, self._near = _of_blocks(free), _of_blocks(near)

    def take(self, actual: int | None, choose: Choose) -> int:
        """Returns the code point of one that is met now."""
        block = 0
        for shift, free, near in zip(_SHIFTS, self._free, self._near, strict=True):
            start = 16 * block
            inner = slice(None) if shift == _SHIFTS[0] else slice(start, start + 16)
            weights = free[inner] * (near[inner] + 1.0)
            block = start + choose(weights, None if actual is None else (actual >> shift) - start)
        for shift, free, near in zip(_SHIFTS, self._free, self._near, strict=True):
            free[block >> shift] -= 1
            near[block >> shift] += _PER_MET
        return block


def _of_blocks(numbers: NDArray[Any]) -> list[NDArray[Any]]:
    """Returns the sums of numbers of code points over the blocks of each size, the largest first."""
    sums = [numbers]
    for _ in _SHIFTS[1:]:
        sums.append(sums[-1].reshape(-1, 16).sum(axis=1, dtype=np.int32))
    return sums[::-1]
