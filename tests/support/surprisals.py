"""Surprisals whose numbers are given, for displays."""

import math
from collections.abc import Sequence

import numpy as np

from charlm.data.tokenizers.base import Tokenizer
from charlm.data.tokenizers.char import CharTokenizer
from charlm.evaluation.score import Score
from charlm.evaluation.surprisal import Surprisal


def surprisal_of(
    text: str, bits: Sequence[float], *, tokenizer: Tokenizer | None = None, top: int = 0, shares: float | None = None
) -> Surprisal:
    """Returns the surprisal of a text with so many bits for each symbol; the first is not scored.

    Each symbol is of rank 3; of the likeliest, symbol 1 has 1/2 and all others next to nothing.
    """
    known = tokenizer or CharTokenizer(sorted(set(text)))
    tokens = known.encode(text)
    decoder = known.decoder()
    is_scored = np.arange(len(tokens)) > 0
    nats = np.array(bits) * math.log(2)
    likeliest = np.tile(np.array([1, 0, *range(2, known.vocabulary_size)])[:top], (len(tokens), 1))
    probabilities = np.tile(np.array([0.5, *[1e-4] * known.vocabulary_size])[: likeliest.shape[1]], (len(tokens), 1))
    num_characters = int(known.symbol_characters[tokens[1:]].sum())
    return Surprisal(
        score=Score(float(nats[1:].sum()), len(tokens) - 1, num_characters, len(text.encode()) - 1),
        tokens=tokens,
        texts=[decoder.feed(token) for token in tokens.tolist()],
        is_scored=is_scored,
        nats=nats,
        ranks=np.where(is_scored, 3, 0).astype(np.int32),
        likeliest=likeliest.astype(np.int32),
        probabilities=probabilities.astype(np.float32),
        network_shares=None if shares is None else np.full(len(tokens), shares, dtype=np.float32),
        tokenizer=known,
    )
