"""The exact code length of which characters a text's unknown symbols stand for, each learnt once it was charged."""

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from charlm.data.encoder import EncodedText
from charlm.data.tokenizers.base import Tokenizer, Tokens
from charlm.stepping.unknown import UnknownCharacters, unknown_text


def learnt_unknown_nats(characters: str, text: EncodedText, tokenizer: Tokenizer) -> float | None:
    """Returns the nats of all unknown symbols that are scored, which `make_score` adds to those of the symbols.

    Args:
        characters: the text as it was encoded.

    Returns:
        None where the unknown characters are not as many as the text has.
    """
    unknown = unknown_text(characters, tokenizer)
    if len(unknown) != text.num_unknown:
        return None
    nats = _nats(text.tokens.pieces(), unknown, tokenizer)
    first = text.tokens.read(0, 1)
    if first == tokenizer.unknown:  # Of running text, which is read but not charged.
        nats -= _nats([first], unknown[:1], tokenizer)
    return nats


def _nats(pieces: Iterable[Tokens], unknown: str, tokenizer: Tokenizer) -> float:
    nats, start = 0.0, 0

    def charge(weights: NDArray[np.float64], actual: int | None) -> int:
        nonlocal nats
        assert actual is not None
        nats -= math.log(weights[actual] / weights.sum())
        return actual

    model = UnknownCharacters(tokenizer)
    for tokens in pieces:
        symbols = tokens if tokenizer.begin is None else tokens[tokens != tokenizer.begin]
        stop = start + int(np.count_nonzero(symbols == tokenizer.unknown))
        model.read(symbols, unknown[start:stop], charge)
        start = stop
    return nats
