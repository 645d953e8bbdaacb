"""Scores a text in stretches whose joins are checked and as one stream: the difference, and what each takes.

    python benchmarks/joining.py RUN TEXT [--characters 111540]

First, what a symbol takes on one thread by how many sequences are read side by side. The last characters of the text
are scored. Before that, how far a state after a warm-up is from the right one, and what
that changes in the code lengths of the 2,000 symbols that follow, at 16 places.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from machine import describe_machine

import charlm
from charlm.data.tokenfile import TokenFile
from charlm.evaluation.joined import forgets, stream_nats
from charlm.evaluation.scorer import total_nats
from charlm.evaluation.windows import stream_windows
from charlm.models.base import OWN, LanguageModel, State, code_lengths
from charlm.models.mixture import network_of

Result = TypeVar("Result")

_PLACES = 16
_FOLLOWING = 2000
_CPU = torch.device("cpu")


def main() -> None:
    """Prints the distances by warm-up, then both scores and their seconds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("text", type=Path)
    parser.add_argument("--characters", type=int, default=111_540)
    arguments = parser.parse_args()
    run = charlm.load(arguments.run)
    text = arguments.text.read_text(encoding="utf-8")[-arguments.characters :]
    tokens = np.asarray(run.tokenizer.encode(text))
    print(describe_machine(), flush=True)
    _print_lanes(network_of(run.model))
    _print_distances(network_of(run.model), torch.from_numpy(tokens.astype(np.int64)))
    stored = TokenFile(tokens)
    print(f"forgets: {forgets(run.model, stored, device=_CPU)}")
    joined, joined_seconds = _timed(lambda: stream_nats(run.model, stored, device=_CPU)[OWN])
    whole, seconds = _timed(lambda: total_nats(run.model, stream_windows(stored, length=8192), device=_CPU)[OWN])
    print(f"in stretches {joined:.6f} nats, {joined_seconds:.2f} s; as one stream {whole:.6f} nats, {seconds:.2f} s")
    difference = (joined - whole) / (len(tokens) - 1)
    print(f"difference {difference:.1e} nats a symbol, {seconds / joined_seconds:.2f} times as fast")


@torch.inference_mode()
def _print_lanes(network: LanguageModel) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    for lanes, steps in ((1, 512), (8, 128), (8, 512), (16, 256), (32, 128)):
        tokens = torch.randint(network.vocabulary_size, (steps, lanes))
        seconds = min(_timed(lambda tokens=tokens: network(tokens))[1] for _ in range(5))
        print(f"{lanes:2d} side by side, windows of {steps}: {1e6 * seconds / tokens.numel():.1f} us a symbol")
    torch.set_num_threads(threads)


@torch.inference_mode()
def _print_distances(network: LanguageModel, tokens: torch.Tensor) -> None:
    places = [(number + 1) * _FOLLOWING for number in range(_PLACES)]
    if len(tokens) <= places[-1] + _FOLLOWING:
        return
    state = network.initial_state(1)
    right: list[State] = []
    nats = []
    for place in range(0, places[-1] + 1, _FOLLOWING):
        right.append(state)
        logits, state = network(tokens[place : place + _FOLLOWING, None], state)
        nats.append(code_lengths(logits, tokens[place + 1 : place + _FOLLOWING + 1, None]))
    for warmup in (128, 256, 512, 1024, 2000):
        before = torch.stack([tokens[place - warmup : place] for place in places], dim=1)
        _, state = network(before, network.initial_state(_PLACES))
        away = max(
            float((part[:, index] - other[:, 0]).abs().max())
            for index in range(_PLACES)
            for part, other in zip(state, right[index + 1], strict=True)
        )
        logits, _ = network(torch.stack([tokens[place : place + _FOLLOWING] for place in places], dim=1), state)
        targets = torch.stack([tokens[place + 1 : place + _FOLLOWING + 1] for place in places], dim=1)
        change = (code_lengths(logits, targets) - torch.cat(nats[1:], dim=1)).double()
        print(
            f"warm-up of {warmup:4d}: states at most {away:.1e} away, code lengths {float(change.mean()):+.1e} nats a "
            f"symbol, {float(change.abs().mean()):.1e} without regard to sign"
        )


def _timed(score: Callable[[], Result]) -> tuple[Result, float]:
    score()
    started = time.perf_counter()
    return score(), time.perf_counter() - started


if __name__ == "__main__":
    main()
