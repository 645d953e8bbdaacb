"""Step models whose logits are the rows of a table."""

import itertools

import numpy as np


class Bigrams:
    """The next symbol depends on the last alone; what was read is recorded."""

    def __init__(self, table: np.ndarray) -> None:
        self.vocabulary_size = len(table)
        self.exact_streams = 8
        self.table = table
        self.read_lengths: list[int] = []

    def initial_state(self, batch_size):
        return (np.zeros((1, batch_size), dtype=np.int64),)

    def read(self, tokens, state):
        self.read_lengths.append(len(tokens))
        return state

    def stepper(self, state):
        return Lookup(self.table, state, follow=lambda memory, tokens: tokens)


class Histories:
    """The next symbol depends on all symbols read and their order; the state is a hash of them."""

    def __init__(self, vocabulary_size: int) -> None:
        self.vocabulary_size = vocabulary_size
        self.exact_streams = 8
        self.table = np.random.default_rng(5).standard_normal((997, vocabulary_size)).astype(np.float32)

    def initial_state(self, batch_size):
        return (np.zeros((1, batch_size), dtype=np.int64),)

    def read(self, tokens, state):
        (memory,) = state
        for token in tokens.tolist():
            memory = self.follow(memory, token)
        return (memory,)

    def stepper(self, state):
        return Lookup(self.table, state, follow=self.follow)

    @staticmethod
    def follow(memory, tokens):
        return (memory * 31 + tokens + 1) % 997


class Lookup:
    """A stepper whose logits are the row of a table that its memory points at."""

    def __init__(self, table, state, *, follow) -> None:
        self.table = table
        (self.memory,) = state
        self.follow = follow

    def step(self, tokens):
        self.memory = self.follow(self.memory[0], tokens)[None]
        return self.table[self.memory[0]]

    def state(self):
        return (self.memory.copy(),)


def chain(tokenizer, successors: dict[int, int]) -> Bigrams:
    table = np.zeros((tokenizer.vocabulary_size, tokenizer.vocabulary_size), dtype=np.float32)
    for symbol, successor in successors.items():
        table[symbol, successor] = 100.0
    return Bigrams(table)


def cycle(tokenizer, text: str) -> Bigrams:
    tokens = tokenizer.encode(text).tolist()
    return chain(tokenizer, dict(itertools.pairwise([*tokens, tokens[0]])))
