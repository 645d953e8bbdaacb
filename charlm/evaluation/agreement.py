"""Agreement over a distance: the choice between a singular and a plural verb after a long clause.

    The cat, which already ate the egg and the plums, was full.
    The cats, which already ate the egg and the plums, were full.

The clause between subject and verb does not depend on the subject's number, and its nouns, singular or plural,
mislead. Linzen et al. (2016) test networks in the same way on natural text.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from charlm.data.tokenizers.base import Tokenizer
from charlm.models.base import OWN, LanguageModel

# Few words, so that there is little else to learn.
_ANIMALS = ("cat", "dog", "goat", "hen", "bear")
_THINGS = ("egg", "nut", "plum", "seed", "root")
_DEEDS = ("ate", "found")
_ENDS = ("full", "gone")


@dataclass(frozen=True)
class Sentence:
    """A sentence cut before its verb.

    Attributes:
        before: the sentence up to the space before the verb.
        verb: the right verb, "was" or "were".
        other: the wrong verb.
        after: the rest of the sentence, from the space after the verb.
        things: number of things that the clause names.
    """

    before: str
    verb: str
    other: str
    after: str
    things: int

    @property
    def text(self) -> str:
        """The whole sentence."""
        return self.before + self.verb + self.after

    @property
    def distance(self) -> int:
        """Characters from the end of the subject to the verb."""
        return len(self.before) - len(self.subject)

    @property
    def subject(self) -> str:
        """The sentence up to the end of its subject."""
        return " ".join(self.before.replace(",", "").split(" ")[:2])


def sentences(rng: np.random.Generator, *, longest: int, things: int | None = None) -> Iterator[Sentence]:
    """Yields random sentences without end.

    Args:
        longest: largest number of things in a clause. Each number from 0 on is half as frequent as the one before:
            a model learns to remember over short clauses first, and over long ones from there.
        things: the number of things in every clause, instead of a random number.
    """

    def pick(words: Sequence[str]) -> str:
        return words[int(rng.integers(len(words)))]

    while True:
        number = min(int(rng.geometric(0.5)) - 1, longest) if things is None else things
        plural = bool(rng.integers(2))
        named = [f"the {pick(_THINGS)}{'s' if rng.integers(2) else ''}" for _ in range(number)]
        clause = f", which already {pick(_DEEDS)} {' and '.join(named)}," if named else ""
        before = f"The {pick(_ANIMALS)}{'s' if plural else ''}{clause} "
        verbs = ("were", "was") if plural else ("was", "were")
        yield Sentence(before, *verbs, f" {pick(_ENDS)}.\n", number)


@dataclass(frozen=True)
class Agreement:
    """The result of a model on questions whose clauses name equally many things.

    Attributes:
        things: number of things in each clause.
        distance: mean number of characters from subject to verb.
        right: share of the questions in which the right verb is more likely, 0 to 1.
    """

    things: int
    distance: float
    right: float


@torch.inference_mode()
def measure_agreement(
    model: LanguageModel, tokenizer: Tokenizer, questions: Sequence[Sentence], *, device: torch.device
) -> Agreement:
    """Returns how often a model gives the right verb and the space after it a higher probability than the wrong one."""
    wins = 0
    for question in questions:
        right, wrong = (_nats(model, tokenizer, question, verb, device) for verb in (question.verb, question.other))
        wins += right < wrong
    distance = float(np.mean([question.distance for question in questions]))
    return Agreement(questions[0].things, distance, wins / len(questions))


def _nats(model: LanguageModel, tokenizer: Tokenizer, question: Sentence, verb: str, device: torch.device) -> float:
    text = f"\n{question.before}{verb} "
    tokens = torch.from_numpy(tokenizer.encode(text).astype(np.int64))[:, None].to(device)
    nats, _ = model.nats(tokens[:-1], tokens[1:], model.initial_state(1))
    verb_nats: Tensor = nats[OWN][len(question.before) :]
    return float(verb_nats.sum())
