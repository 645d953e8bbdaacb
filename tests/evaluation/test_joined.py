"""Reading a text in stretches side by side against reading it symbol by symbol, with models that forget or do not."""

import itertools

import numpy as np
import pytest
import torch

from charlm.data.tokenfile import TokenFile
from charlm.evaluation.joined import STRETCHES, WARMUP, forgets, num_read, stream_nats
from charlm.models.base import OWN
from charlm.models.recurrent import RecurrentLanguageModel
from tests.support.code_lengths import nats_symbol_by_symbol

CPU = torch.device("cpu")
NUM_SYMBOLS = 5
RESET = 4


def text_of(count: int, *, seed: int = 3) -> TokenFile:
    return TokenFile(np.random.default_rng(seed).integers(0, NUM_SYMBOLS, count).astype(np.uint8))


def symbols_of(text: TokenFile) -> list[int]:
    return text.read(0, len(text)).astype(int).tolist()


class Adding:
    """A model whose state is the sum of the symbols since the last RESET: a code length is the sum and the target."""

    vocabulary_size = NUM_SYMBOLS

    def __init__(self) -> None:
        self.num_read = 0

    def initial_state(self, batch_size):
        return (torch.zeros(1, batch_size, 1),)

    def nats(self, tokens, targets, state, scoring):
        self.num_read += tokens.numel()
        total, rows = state[0][0, :, 0], []
        for inputs, wanted in zip(tokens, targets, strict=True):
            total = torch.where(inputs == RESET, 0.0, total + inputs)
            rows.append(torch.where(wanted >= 0, total % 7 + wanted, 0.0))
        nats = torch.stack(rows)
        if scoring.observe is not None:
            scoring.observe(nats, None, None)
        return {OWN: nats, "half": nats / 2}, (total[None, :, None],)


def added(symbols: list[int]) -> list[float]:
    """Returns the code lengths that `Adding` gives, by its definition."""
    total, found = 0, []
    for symbol, target in itertools.pairwise(symbols):
        total = 0 if symbol == RESET else total + symbol
        found.append(total % 7 + target)
    return found


def small_network(seed: int = 4) -> RecurrentLanguageModel:
    model = RecurrentLanguageModel(NUM_SYMBOLS, embedding_size=3, hidden_size=6, num_layers=2)
    model.initialize(torch.Generator().manual_seed(seed))
    for layer in model.layers:
        layer.bias_ih_l0.data.zero_()  # So that it forgets sooner than most.
    return model.eval()


@pytest.mark.parametrize("count", [16 * 256 + 1, 16 * 256 + 14, 6001])
def test_a_network_that_forgets_scores_as_one_stream(count):
    model, text = small_network(), text_of(count)
    assert forgets(model, text, device=CPU, warmup=128)
    found = stream_nats(model, text, device=CPU, warmup=128)
    assert found[OWN] == pytest.approx(nats_symbol_by_symbol(model, symbols_of(text)), rel=1e-7)


@pytest.mark.parametrize("count", [2, 3, 1000, 16 * 128])
def test_a_short_text_is_read_once_from_its_beginning(count):
    model, symbols = Adding(), symbols_of(text_of(count))
    found = stream_nats(model, text_of(count), device=CPU, warmup=64)
    assert found == {OWN: sum(added(symbols)), "half": sum(added(symbols)) / 2}
    assert model.num_read == count - 1


def test_what_is_forgotten_is_read_once_beside_the_warm_ups():
    # A reset is in each of the warm-ups, so that no stretch has to be read again.
    model = Adding()
    assert stream_nats(model, text_of(3001), device=CPU, warmup=64)[OWN] == sum(added(symbols_of(text_of(3001))))
    assert model.num_read == 3000 + num_warmed(parts=1, warmup=64)


def test_a_model_that_never_forgets_scores_as_one_stream():
    symbols = [symbol % RESET for symbol in symbols_of(text_of(5000))]
    model, text = Adding(), TokenFile(np.array(symbols, dtype=np.uint8))
    assert stream_nats(model, text, device=CPU, warmup=8)[OWN] == sum(added(symbols))
    # One part of 16 x 64 symbols in vain, then the rest once.
    assert model.num_read < 5000 + 2 * 16 * 64


def test_a_model_that_forgets_most_of_the_time_scores_as_one_stream():
    # Resets are in every warm-up but one or two of each part.
    symbols = symbols_of(text_of(16 * 64 * 8, seed=5))
    symbols[900:1000] = [1] * 100
    symbols[3000:3100] = [2] * 100
    model, text = Adding(), TokenFile(np.array(symbols, dtype=np.uint8))
    assert stream_nats(model, text, device=CPU, warmup=32)[OWN] == sum(added(symbols))
    assert model.num_read > len(symbols) + num_warmed(parts=2, warmup=32)


def num_warmed(*, parts: int, warmup: int) -> int:
    return parts * (STRETCHES - 1) * warmup


def test_numbers_that_are_none_spoil_the_score_and_nothing_else():
    model = small_network()
    model.output.bias.data[0] = float("nan")
    assert np.isnan(stream_nats(model, text_of(5000), device=CPU, warmup=32)[OWN])
    model.layers[0].weight_hh_l0.data[0, 0] = float("nan")
    assert np.isnan(stream_nats(model, text_of(5000), device=CPU, warmup=32)[OWN])


def test_every_place_after_the_first_is_observed_in_its_window_and_told_once():
    symbols = symbols_of(text_of(4500))
    found, told = np.full(len(symbols), -1.0), []

    def observe(window):
        def observer(nats, logits, share):
            found[window.places().numpy()] = nats.numpy()

        return observer

    text = TokenFile(np.array(symbols, dtype=np.uint8))
    stream_nats(Adding(), text, device=CPU, warmup=16, observe=observe, advance=told.append)
    assert found[0] == -1.0
    assert found[1:].tolist() == added(symbols)
    assert sum(told) == len(symbols) - 1


def test_the_number_of_threads_is_no_part_of_the_score():
    model, text = small_network(), text_of(6000)
    before, scores = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            scores.append(stream_nats(model, text, device=CPU, warmup=64))
    finally:
        torch.set_num_threads(before)
    assert scores[0] == scores[1]


def test_a_model_forgets_or_does_not():
    text = text_of(5000)
    assert forgets(Adding(), text, device=CPU, warmup=64)
    never = TokenFile(np.ones(5000, dtype=np.uint8))
    assert not forgets(Adding(), never, device=CPU, warmup=64)
    assert not forgets(Adding(), text_of(2000), device=CPU, warmup=64)  # Too short to be read in stretches.


def test_the_number_of_symbols_that_are_read_is_known_before():
    # 16 stretches of two warm-ups each are the shortest, of eight the longest.
    assert num_read(16 * 2 * WARMUP - 1) is None
    assert num_read(16 * 2 * WARMUP) == 16 * 2 * WARMUP + 15 * WARMUP
    assert num_read(16 * 8 * WARMUP + 1) == 16 * 8 * WARMUP + 1 + 2 * 15 * WARMUP
