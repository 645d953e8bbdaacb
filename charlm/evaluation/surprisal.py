"""The code length of each symbol of a text under a model, and what the model expected in its place."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from charlm.data.encoder import EncodedText
from charlm.data.lanes import IGNORED, Window
from charlm.data.tokenizers.base import Tokenizer, Tokens
from charlm.evaluation.lane_scores import Advance
from charlm.evaluation.score import Score
from charlm.evaluation.scorer import score_parts
from charlm.models.base import OWN, LanguageModel, Observer


@dataclass(frozen=True)
class Line:
    """One line of a text.

    Attributes:
        number: from 1 on.
        text: without its line end.
        bits: its code length, that of its line end included.
        num_characters: its scored characters, its line end included.
    """

    number: int
    text: str
    bits: float
    num_characters: int

    @property
    def bits_per_character(self) -> float:
        """Mean code length of a character; NaN where none is scored."""
        return self.bits / self.num_characters if self.num_characters else math.nan


@final
@dataclass(frozen=True, eq=False)
class Surprisal:
    """The code length of each symbol of a text; the arrays have an entry for each symbol, in the text's order.

    Attributes:
        score: of the whole text; `nats` sum to its `total_nats`.
        tokens: the symbols, `[symbols]`.
        texts: what each symbol ends in the text: a character or several, a line end for the end of a record; empty for
            the begin of a record, and for a byte that ends no character.
        is_scored: False for the first symbol of running text and for begins of records, which are read only.
        nats: code lengths, float64 `[symbols]`; that of an unknown character says which one it is. 0 where not scored.
        ranks: 1 for the symbol that the model took for the likeliest, int32 `[symbols]`; 0 where not scored.
            None where only code lengths were asked for.
        likeliest: the likeliest symbols at each place, int32 `[symbols, top]`.
        probabilities: theirs, float32 `[symbols, top]`.
        network_shares: of a mixture's two parts, the network's share of the probabilities, 0 to 1, float32 `[symbols]`;
            None for other models.
        tokenizer: names the symbols.
    """

    score: Score
    tokens: Tokens
    texts: Sequence[str]
    is_scored: NDArray[np.bool_]
    nats: NDArray[np.float64]
    ranks: NDArray[np.int32] | None
    likeliest: NDArray[np.int32]
    probabilities: NDArray[np.float32]
    network_shares: NDArray[np.float32] | None
    tokenizer: Tokenizer

    def __repr__(self) -> str:
        """Returns the class and the main figures."""
        return f"<Surprisal of {len(self.tokens):,} symbols: {self.score.bits_per_character:.4f} bits/char>"

    @property
    def bits(self) -> NDArray[np.float64]:
        """Code lengths in bits, `[symbols]`."""
        return self.nats / math.log(2)

    @property
    def is_finite(self) -> NDArray[np.bool_]:
        """Whether the code length and the probabilities are numbers, `[symbols]`; a broken model gives others."""
        found: NDArray[np.bool_] = np.isfinite(self.nats) & np.isfinite(self.probabilities).all(axis=1)
        return found

    def alternatives(self, index: int) -> list[tuple[str, float]]:
        """Returns the names and the probabilities of the likeliest symbols at one place, the likeliest first."""
        pairs = zip(self.likeliest[index].tolist(), self.probabilities[index].tolist(), strict=True)
        return [(self.tokenizer.symbol_name(token), probability) for token, probability in pairs]

    def stretches(self) -> Iterator[tuple[str, float, range]]:
        """Yields each stretch of text that symbols end, its bits, and the places of its symbols.

        Nearly always it is the text of one symbol. A character of several bytes, each a symbol, has the bits of all.
        """
        bits, start = 0.0, 0
        for index, (text, more) in enumerate(zip(self.texts, self.bits.tolist(), strict=True), start=1):
            bits += more
            if text:
                yield text, bits, range(start, index)
                bits, start = 0.0, index

    def lines(self) -> list[Line]:
        """Returns the lines in the text's order."""
        ends_line = np.array([text.endswith("\n") for text in self.texts])
        borders = np.concatenate(([0], np.flatnonzero(ends_line) + 1, [len(self.tokens)]))
        counts = self.tokenizer.symbol_characters[self.tokens] * self.is_scored
        bits, characters = (
            np.diff(np.concatenate(([0], np.cumsum(each)))[borders]).tolist() for each in (self.bits, counts)
        )
        return [
            Line(number, "".join(self.texts[start:stop]).removesuffix("\n"), *figures)
            for number, ((start, stop), *figures) in enumerate(zip(pairwise(borders), bits, characters, strict=True), 1)
            if start < stop
        ]


def measure_surprisal(
    model: LanguageModel,
    text: EncodedText,
    tokenizer: Tokenizer,
    *,
    device: torch.device,
    context: int | None = None,
    top: int | None = None,
    characters: str | None = None,
    advance: Advance | None = None,
) -> Surprisal:
    """Returns the code length of each symbol of a text; scored as `score_parts` does it exactly, and by it.

    Args:
        top: how many of the likeliest symbols are kept for each place; None leaves out ranks, too, which is faster.
        characters: the text as it was encoded, to show the characters that are unknown to the model; without it they
            are U+FFFD.

    Raises:
        ConfigError: `context` is given for records.
    """
    found = _Collected(text.num_symbols, top=None if top is None else min(top, tokenizer.vocabulary_size))
    scores = score_parts(
        model, text, tokenizer, device=device, context=context, advance=advance, observe=found.observer_of
    )
    tokens = text.tokens.read(0, len(text.tokens))
    if tokenizer.unknown is not None:
        found.nats[(tokens == tokenizer.unknown) & found.is_scored] += math.log(tokenizer.num_unknown_characters)
    return Surprisal(
        score=scores[OWN],
        tokens=tokens,
        texts=_texts(tokens, tokenizer, characters),
        is_scored=found.is_scored,
        nats=found.nats,
        ranks=found.ranks,
        likeliest=found.likeliest,
        probabilities=found.probabilities,
        network_shares=found.network_shares if found.is_mixed else None,
        tokenizer=tokenizer,
    )


def _texts(tokens: Tokens, tokenizer: Tokenizer, characters: str | None) -> list[str]:
    texts = list(map(tokenizer.decoder().feed, tokens.tolist()))
    if characters is not None and tokenizer.unknown is not None:
        # Where something can be unknown, each symbol but the begin of a record is a character.
        skipped = np.cumsum(tokens == tokenizer.begin) if tokenizer.begin is not None else np.zeros(len(tokens), int)
        for place in np.flatnonzero(tokens == tokenizer.unknown).tolist():
            texts[place] = characters[place - int(skipped[place])]
    return texts


@final
class _Collected:
    """What the observers of all windows have seen; attributes are as in `Surprisal`."""

    def __init__(self, num_symbols: int, *, top: int | None) -> None:
        self.is_scored = np.zeros(num_symbols, dtype=np.bool_)
        self.nats = np.zeros(num_symbols)
        self.ranks = None if top is None else np.zeros(num_symbols, dtype=np.int32)
        self.likeliest = np.zeros((num_symbols, top or 0), dtype=np.int32)
        self.probabilities = np.zeros((num_symbols, top or 0), dtype=np.float32)
        self.network_shares = np.zeros(num_symbols, dtype=np.float32)
        self.is_mixed = False

    def observer_of(self, window: Window) -> Observer:
        return partial(self._observe, window)

    def _observe(self, window: Window, nats: Tensor, logits: Callable[[], Tensor], share: Tensor | None) -> None:
        scored = window.targets != IGNORED
        places = window.places()[scored.cpu()].numpy()
        self.is_scored[places] = True
        self.nats[places] = nats[scored].cpu().numpy()
        if share is not None:
            self.is_mixed = True
            self.network_shares[places] = share[scored].cpu().numpy()
        if self.ranks is not None:
            likelihoods = logits()[scored].float().log_softmax(dim=-1)
            own = likelihoods.gather(-1, window.targets[scored][:, None])
            self.ranks[places] = 1 + (likelihoods > own).sum(dim=-1).cpu().numpy()
            values, symbols = likelihoods.topk(self.likeliest.shape[1], dim=-1)
            self.likeliest[places] = symbols.cpu().numpy()
            self.probabilities[places] = values.exp().cpu().numpy()
