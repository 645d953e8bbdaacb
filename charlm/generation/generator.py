"""Text from a model, a tokenizer and a prompt, piece by piece as it is drawn."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import final

import numpy as np

from charlm.config import SamplingConfig
from charlm.data.tokenizers.base import Tokenizer, Tokens
from charlm.errors import ConfigError, DataError
from charlm.generation.sampling import Drawer
from charlm.generation.stopping import StopFilter
from charlm.stepping.base import StepModel, select_streams

LONGEST_PROMPT = 1 << 14
"""The number of symbols at the end of a prompt that are read; trained models forget earlier ones."""

LONGEST_LEARNT_PROMPT = 1 << 20
"""The same for a model that learns from them."""

RECORDS_SHOWN = 8
"""The number of records that `sample_text` draws; one record is often only one word."""


_NUM_SEEDS = 1 << 63  # Those that may be asked for.


@dataclass(frozen=True)
class Piece:
    """The next text of one sample.

    Attributes:
        sample: number of the sample, from 0.
        text: the new text, in whole characters, without the prompt; may be empty in the last piece.
        finished: whether it is the sample's last piece.
    """

    sample: int
    text: str
    finished: bool


def seed_of_sample(number: int, *, seed: int) -> int:
    """Returns the seed of one of several samples: the first has `seed`, and each the next number."""
    return (seed + number) % _NUM_SEEDS


def generate(
    model: StepModel, tokenizer: Tokenizer, prompt: str, settings: SamplingConfig, *, seed: int
) -> Iterator[Piece]:
    """Returns the pieces of `settings.num_samples` texts that continue `prompt`, as they are drawn.

    A sample ends after exactly `settings.length` characters (never for 0), before a stop string, or at the end of a
    record. Without a prompt, a record starts with its begin symbol, and running text as after a line end; a
    vocabulary without a line end uses a space, or else its first symbol. Memory does not grow with the text. Only the
    last `LONGEST_PROMPT` symbols of a prompt are read, or `LONGEST_LEARNT_PROMPT` where `settings.adapt` is given.

    Sample N, from 0, is exactly the text that the seed `seed` + N gives alone (docs/decisions/0004-step-engine.md).

    Args:
        settings: length, stop strings, temperature and filters; its seed is not used.
        seed: the first sample's; the same seed gives the same texts.

    Raises:
        DataError: the prompt has characters that the model does not know, and they are not skipped.
        CharlmError: the model's output is not finite.
    """
    tokens = prompt_tokens(tokenizer, prompt, settings)
    return _pieces(model, tokenizer, tokens, settings, seed=seed)


def generate_texts(
    model: StepModel, tokenizer: Tokenizer, prompt: str, settings: SamplingConfig, *, seed: int
) -> list[str]:
    """Returns whole texts that continue `prompt`, one for each sample; arguments and other errors as in `generate`.

    Raises:
        ConfigError: the texts would never end.
    """
    if settings.length == 0 and not settings.stop and tokenizer.end is None:
        raise ConfigError("A text of length 0 never ends, so it cannot be returned as a whole; set a length above 0.")
    texts: list[list[str]] = [[] for _ in range(settings.num_samples)]
    for piece in generate(model, tokenizer, prompt, settings, seed=seed):
        texts[piece.sample].append(piece.text)
    return ["".join(parts) for parts in texts]


def sample_text(
    model: StepModel, tokenizer: Tokenizer, *, length: int, seed: int, temperature: float | None = None
) -> str:
    """Returns a short sample of a model: `length` characters, or a few records.

    Args:
        temperature: as in SamplingConfig; None for its default.
    """
    settings = SamplingConfig(length=length, num_samples=1 if tokenizer.end is None else RECORDS_SHOWN)
    if temperature is not None:
        settings = settings.model_copy(update={"temperature": temperature})
    return "\n".join(generate_texts(model, tokenizer, "", settings, seed=seed))[:length]


@final
class Sample:
    """The text of one sample, decoded symbol by symbol up to its end.

    Attributes:
        finished: whether it has ended.
        is_cut: whether it has ended for its length alone.
        num_decoded: characters so far, those that are held back or lie behind a stop string included.
    """

    def __init__(self, number: int, tokenizer: Tokenizer, settings: SamplingConfig) -> None:
        self.finished = False
        self.is_cut = False
        self.num_decoded = 0
        self._number = number
        self._decoder = tokenizer.decoder()
        self._stop = StopFilter(settings.stop)
        self._end = tokenizer.end
        self._remaining = settings.length or None

    def feed(self, token: int) -> Piece | None:
        """Returns the piece to show after the next symbol, if any."""
        if self.finished:
            return None
        shown = self.advance(token)
        return Piece(self._number, shown, self.finished) if shown or self.finished else None

    def advance(self, token: int) -> str:
        """Returns the text to show after the next symbol; the sample must not have ended before."""
        self.finished = token == self._end
        text = self._decoder.finish() if self.finished else self._decoder.feed(token)
        if self._remaining is not None:
            text = text[: self._remaining]
            self._remaining -= len(text)
            self.is_cut = self._remaining == 0 and not self.finished
            self.finished = self.finished or self.is_cut
        self.num_decoded += len(text)
        shown = self._stop.feed(text)
        self.is_cut = self.is_cut and not self._stop.stopped
        self.finished = self.finished or self._stop.stopped
        if self.finished:
            shown += self._stop.finish()
        return shown

    def cut(self) -> str:
        """Ends the sample before its next symbol; returns what was held back, without an unfinished character."""
        self.finished = self.is_cut = True
        return self._stop.finish()


def _pieces(
    model: StepModel, tokenizer: Tokenizer, prompt: Tokens, settings: SamplingConfig, *, seed: int
) -> Iterator[Piece]:
    # Without the last symbol of the prompt, which the first step reads.
    longest = LONGEST_PROMPT if settings.adapt is None else LONGEST_LEARNT_PROMPT
    state = model.read(prompt[-longest:-1], model.initial_state(1))

    def draw(numbers: Sequence[int]) -> Iterator[list[Piece]]:
        """Yields the pieces of these samples, which are computed together, after every step."""
        samples = [Sample(number, tokenizer, settings) for number in numbers]
        drawer = Drawer(
            settings,
            vocabulary_size=model.vocabulary_size,
            excluded=never_drawn(tokenizer),
            seeds=[seed_of_sample(number, seed=seed) for number in numbers],
        )
        streams = np.zeros(len(numbers), dtype=np.int64)
        stepper = model.stepper(select_streams(state, streams))
        tokens = prompt[-1:].astype(np.int64)[streams]
        while not all(sample.finished for sample in samples):
            tokens = drawer.draw(stepper.step(tokens))
            pieces = [sample.feed(token) for sample, token in zip(samples, tokens.tolist(), strict=True)]
            yield [piece for piece in pieces if piece is not None]

    numbers, most = range(settings.num_samples), model.exact_streams
    batches = [draw(numbers[first : first + most]) for first in numbers[::most]]
    for each in zip_longest(*batches, fillvalue=()):
        yield from chain.from_iterable(each)


def prompt_tokens(tokenizer: Tokenizer, prompt: str, settings: SamplingConfig) -> Tokens:
    """Returns the symbols of a prompt; of an empty one, those that a text begins after.

    Raises:
        DataError: it has characters that the model does not know, and they are not skipped.
    """
    unknown = tokenizer.unknown_characters(prompt)
    if unknown and settings.unknown == "error":
        named = named_characters(unknown)
        raise DataError(f"The prompt has {named}, which the model does not know; remove it, or use --unknown skip.")
    if unknown:
        missing = set(unknown)
        prompt = "".join(character for character in prompt if character not in missing)
    tokens = tokenizer.encode_prompt(prompt)
    return tokens if len(tokens) else start_symbols(tokenizer)


def start_symbols(tokenizer: Tokenizer) -> Tokens:
    """Returns what running text without a prompt begins after: a line end, a space, or else the first symbol."""
    for text in "\n", " ":
        if not tokenizer.unknown_characters(text):
            return tokenizer.encode(text)
    never = never_drawn(tokenizer)
    return np.array([next(token for token in range(tokenizer.vocabulary_size) if token not in never)])


def never_drawn(tokenizer: Tokenizer) -> list[int]:
    """Returns the symbols that stand for nothing that could be shown: unknown, and those that are never predicted."""
    given = np.flatnonzero(~tokenizer.can_be_target()).tolist()
    return given if tokenizer.unknown is None else [tokenizer.unknown, *given]


def named_characters(characters: list[str], *, most: int = 5) -> str:
    """Returns a list of characters for a message, each with its code point; the first ones of many."""
    names = [f"{character!r} (U+{ord(character):04X})" for character in characters[:most]]
    if len(characters) > most:
        return f"{', '.join(names)} and {len(characters) - most} more"
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
