"""How unlike two texts are; the baselines' scores are in tests/runs/evaluate."""

import math

import numpy as np
import pytest

from charlm.data.encoder import EncodedText
from charlm.data.tokenfile import TokenFile
from charlm.evaluation.baselines import unlikeness


def text_of(tokens: np.ndarray) -> EncodedText:
    length = len(tokens)
    return EncodedText(TokenFile(tokens.astype(np.uint8)), length, length, length, 0, 0, 1)


def test_it_is_the_divergence_without_what_chance_adds() -> None:
    # After the first symbol, 60 of one and 20 of another; training had 999 of each, to which one is added.
    tokens = np.repeat([0, 1], [61, 20])
    divergence = 0.75 * math.log(0.75 / 0.5) + 0.25 * math.log(0.25 / 0.5)
    by_chance = 0.5 * 2 * (1 + 80 / 2000)
    expected = (80 * divergence - 3 * by_chance) / math.log(2) / 81
    assert unlikeness(text_of(tokens), np.array([999, 999])) == pytest.approx(expected)


@pytest.mark.parametrize("length", [50, 500, 50_000])
def test_texts_drawn_alike_are_not_unlike(length: int) -> None:
    rng = np.random.default_rng(length)
    shares = rng.dirichlet(np.ones(60))
    counts = rng.multinomial(20 * length, shares)
    assert unlikeness(text_of(rng.choice(60, length, p=shares)), counts) <= 0.0


def test_symbols_that_training_had_not_make_it_large() -> None:
    assert unlikeness(text_of(np.full(1000, 2)), np.array([1000, 1000, 0])) > 10.0
