"""Tries embeddings of pairs and hashed triples of symbols, and the mean of the weights of a training's last tenth.

    python benchmarks/embeddings.py tinyshakespeare.txt none --steps 2000
    python benchmarks/embeddings.py tinyshakespeare.txt bigram --steps 2000
    python benchmarks/embeddings.py tinyshakespeare.txt trigram --steps 2000

A loop beside the trainer: two layers of 128 units on nine tenths of a text, AdamW, a rate that rises for 100 steps and
comes down to a hundredth along a cosine. The vector of what was read before is added to the embedding of a symbol.
Prints nats per character of the last tenth, by the last weights and by their mean.
"""

import argparse
import copy
import math
import time
from pathlib import Path

import torch
from machine import describe_machine
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

_SIZE = 128
_LANES, _WINDOW = 32, 32
_SCORED_LANES = 64
_RATE, _LEAST_RATE, _RISE = 0.01, 0.01, 100
_HASHED = 1 << 16


class Network(nn.Module):
    """Two LSTM layers with a residual connection over each, on symbols and what stood before them.

    Args:
        num_extra: rows of the table for pairs or triples; 0 for none.
    """

    def __init__(self, vocabulary_size: int, num_extra: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size, _SIZE)
        self.extra = nn.Embedding(num_extra, _SIZE) if num_extra else None
        if self.extra is not None:
            nn.init.normal_(self.extra.weight, std=0.02)
        self.layers = nn.ModuleList(nn.LSTM(_SIZE, _SIZE) for _ in range(2))
        self.output = nn.Linear(_SIZE, vocabulary_size)

    def forward(self, tokens: Tensor, extra: Tensor, states: list[tuple[Tensor, Tensor] | None]) -> tuple[Tensor, list]:
        """Returns logits `[time, batch, vocabulary]` and the layers' last states."""
        hidden = self.embedding(tokens)
        if self.extra is not None:
            hidden = hidden + self.extra(extra)
        after = []
        for layer, state in zip(self.layers, states, strict=True):
            found, state = layer(hidden, state)
            hidden = hidden + found
            after.append(tuple(each.detach() for each in state))
        return self.output(hidden), after


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("text", type=Path)
    parser.add_argument("kind", choices=("none", "bigram", "trigram"))
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    print(describe_machine())
    text = arguments.text.read_text(encoding="utf-8")
    symbols = {character: number for number, character in enumerate(sorted(set(text)))}
    tokens = torch.tensor([symbols[character] for character in text])
    border = len(tokens) * 9 // 10
    size = len(symbols)
    num_extra = {"none": 0, "bigram": size * size, "trigram": _HASHED}[arguments.kind]
    extra = grams(tokens, arguments.kind, size)
    torch.default_generator.manual_seed(arguments.seed)
    network = Network(size, num_extra)
    started = time.perf_counter()
    mean = train(network, tokens[:border], extra[:border], arguments.steps)
    seconds = time.perf_counter() - started
    last, averaged = (score(each, tokens[border:], extra[border:]) for each in (network, mean))
    print(
        f"{arguments.kind}: last weights {last:.4f}, mean of the last tenth {averaged:.4f} nats/char, {seconds:.0f} s"
    )


def grams(tokens: Tensor, kind: str, size: int) -> Tensor:
    """Returns the row of the table for each symbol: it and the one before, or a hash of it and the two before."""
    before = torch.cat((tokens[:1], tokens[:-1]))
    pairs = before * size + tokens
    if kind != "trigram":
        return pairs
    first = torch.cat((before[:1], before[:-1]))
    return (first * size * size + pairs) * 2654435761 % _HASHED


def train(network: Network, tokens: Tensor, extra: Tensor, steps: int) -> nn.Module:
    """Trains the network, and returns the mean of it over the last tenth of the steps."""
    optimizer = torch.optim.AdamW(network.parameters(), lr=_RATE, betas=(0.9, 0.99), weight_decay=0.1)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _factor(step, steps))
    inputs, more, targets = (lanes(each, _LANES) for each in (tokens[:-1], extra[:-1], tokens[1:]))
    mean: AveragedModel | None = None
    states: list = [None, None]
    place = 0
    for step in range(steps):
        if place + _WINDOW > len(inputs):
            place, states = 0, [None, None]
        window = slice(place, place + _WINDOW)
        with torch.autocast("cpu", torch.bfloat16):
            logits, states = network(inputs[window], more[window], states)
        loss = nn.functional.cross_entropy(logits.float().flatten(0, 1), targets[window].flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        place += _WINDOW
        if step >= 0.9 * steps:
            mean = AveragedModel(network) if mean is None else mean
            mean.update_parameters(network)
    return copy.deepcopy(network) if mean is None else mean.module


def score(network: nn.Module, tokens: Tensor, extra: Tensor) -> float:
    """Returns nats per symbol of a text that is cut into lanes, each read from nothing."""
    inputs, more, targets = (lanes(each, _SCORED_LANES) for each in (tokens[:-1], extra[:-1], tokens[1:]))
    with torch.no_grad():
        logits, _ = network(inputs, more, [None, None])
    return float(nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten()))


def lanes(symbols: Tensor, number: int) -> Tensor:
    """Returns `[time, lanes]`: what does not fill the last row is left out."""
    length = len(symbols) // number
    return symbols[: length * number].view(number, length).T.contiguous()


def _factor(step: int, steps: int) -> float:
    wave = 0.5 * (1 + math.cos(math.pi * step / steps))
    return min(1, (step + 1) / _RISE) * (_LEAST_RATE + (1 - _LEAST_RATE) * wave)


if __name__ == "__main__":
    main()
