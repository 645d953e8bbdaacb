"""The result of a training: the scores of its best model on what was held out, beside those of simpler models."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock

import numpy as np
import torch
from numpy.typing import NDArray

from charlm.config import ModelKind
from charlm.data.corpus import EncodedCorpus
from charlm.data.encoder import EncodedText
from charlm.distributed.world import ALONE, World
from charlm.evaluation.baselines import Baseline, score_baselines
from charlm.evaluation.score import Score
from charlm.evaluation.scorer import Mode, score_parts
from charlm.models.base import OWN, LanguageModel
from charlm.models.lane_groups import Workers
from charlm.models.ngram import NgramLanguageModel
from charlm.ngrams.build import count_model
from charlm.runs.reporting import Reporter
from charlm.training.loop import Outcome

EXACT_LIMIT = 1_000_000
"""Symbols up to which a model that does not forget reads a text as one stream; it scores longer ones in stretches."""

EXACT_SHARE = 0.01
"""So is a text longer than this share of the symbols trained on: one stream of it takes a good part of that time."""

ALWAYS_EXACT = 10_000
"""Symbols that one stream reads in a fraction of a second, however short the training was."""

FINAL_SAMPLE_CHARACTERS = 500

MIXTURE = "mixture"
"""The name of a mixture's own scores, beside those of its parts."""
BIGRAM_SYMBOLS = 1_000_000
"""Symbols of the training text, from its start, that the bigram model is counted on: a fraction of a second."""


@dataclass(frozen=True, repr=False)
class TrainResult:
    """The result of a training.

    Attributes:
        kind: what kind of model it is.
        parameters: weights, or grams.
        steps: steps done in all; `total_steps` were planned.
        seconds: time spent training in all sessions, evaluations included.
        characters_per_second: characters trained on, by that time.
        sample: a text drawn from the best model.
        validation: score of the best model; None without such a text, or when interrupted. `test` likewise.
        are_records: whether the text was records.
        exact: whether each score read its text as one stream.
        baselines: the uniform and the unigram model on the same texts, and what a mixture consists of.
        unit: what the scores are counted by, for people.
        task: the name of the task; None where text is continued.
        cut_short_at: share of the training that was done when the time was over; None where it was done as planned, and
            where the budget was over before training began.
        part: which model the scores are of, where n-grams were mixed in: MIXTURE, or the network alone.
        no_better_than: the simplest model, unigram or bigram, that predicts the validation text as well; None for none.
    """

    run: Path
    name: str
    kind: ModelKind
    parameters: int
    steps: int
    total_steps: int
    seconds: float
    characters_per_second: float
    sample: str
    outcome: Outcome = "finished"
    validation: Score | None = None
    test: Score | None = None
    are_records: bool = False
    exact: bool = True
    baselines: tuple[Baseline, ...] = ()
    no_better_than: Baseline | None = None
    part: str | None = None
    cut_short_at: float | None = None
    unit: str = "char"
    task: str | None = None

    def __repr__(self) -> str:
        """Returns the class and the main figures."""
        scores = {"validation": self.validation, "test": self.test}
        shown = [f"{name} {score.bits_per_character:.4f} bits/{self.unit}" for name, score in scores.items() if score]
        return f"<TrainResult {self.name!r}: {', '.join([f'{self.steps:,} steps in {self.seconds:.1f} s', *shown])}>"

    @property
    def interrupted(self) -> bool:
        """Whether it was stopped before its end and can be resumed."""
        return self.outcome == "interrupted"

    @property
    def stopped_early(self) -> bool:
        """Whether it ended for lack of improvement."""
        return self.outcome == "stopped early"


def held_out(corpus: EncodedCorpus) -> dict[str, EncodedText]:
    """Returns the texts that were held out, of validation and test those that there are."""
    texts = {"validation": corpus.valid, "test": corpus.test}
    return {split: text for split, text in texts.items() if text is not None}


def choose_modes(
    corpus: EncodedCorpus, *, trained_on: float, does_forget: Callable[[EncodedText], bool]
) -> dict[str, Mode]:
    """Returns how each held-out text is scored after training on so many symbols: exactly or, to save time, fast.

    Records are independent: side by side is exact for them.

    Args:
        does_forget: whether the model forgets, and so reads a text exactly in as little time.
    """
    longest = min(EXACT_LIMIT, max(ALWAYS_EXACT, EXACT_SHARE * trained_on))
    is_records = corpus.tokenizer.begin is not None

    def is_exact(text: EncodedText) -> bool:
        return is_records or len(text.tokens) <= longest or does_forget(text)

    return {split: "exact" if is_exact(text) else "fast" for split, text in held_out(corpus).items()}


def score_held_out(
    model: LanguageModel,
    corpus: EncodedCorpus,
    reporter: Reporter,
    *,
    device: torch.device,
    modes: Mapping[str, Mode] | None = None,
    world: World = ALONE,
) -> dict[str, dict[str, Score]]:
    """Returns for each held-out text the scores of the model, by the name OWN, and of the models it consists of.

    Texts that are read as one stream are read side by side, each on one thread, and by all processes alike.

    Args:
        modes: how each text is scored.  [default: exactly]
        world: the processes that score together what is no stream.
    """
    texts = held_out(corpus)
    if not texts:
        return {}
    modes = modes or dict.fromkeys(texts, "exact")
    are_streams = set(modes.values()) == {"exact"} and corpus.tokenizer.begin is None and device.type == "cpu"
    counting, ended = Lock(), Event()

    def score(split: str) -> dict[str, Score]:
        return score_parts(
            model,
            texts[split],
            corpus.tokenizer,
            device=device,
            mode=modes[split],
            advance=count,
            world=ALONE if are_streams else world,
        )

    def count(num_symbols: int) -> None:
        if ended.is_set():
            raise KeyboardInterrupt  # Nobody waits for this text any more.
        with counting:
            advance(num_symbols)

    total = sum(len(text.tokens) for text in texts.values())
    with reporter.progress(f"scoring {' and '.join(texts)}", total) as advance:
        try:
            if are_streams:
                scores = Workers(torch.get_num_threads()).map(score, list(texts), work=total)
            else:
                scores = [score(split) for split in texts]
        finally:
            ended.set()
    return dict(zip(texts, scores, strict=True))


def simpler_models(
    scores: Mapping[str, Mapping[str, Score]],
    corpus: EncodedCorpus,
    symbol_counts: NDArray[np.int64],
    *,
    chosen: str = OWN,
) -> tuple[Baseline, ...]:
    """Returns the scores of the models that a model consists of, and of those without memory, text by text.

    Those of a mixture are among them where not it was chosen, but a part of it.

    Args:
        scores: as `score_held_out` returns them.
        symbol_counts: how often each symbol is a target in the training text.
        chosen: the name of the model that is kept.
    """
    found: list[Baseline] = []
    for split, text in held_out(corpus).items():
        names = {name: name for name in scores[split]} | {OWN: MIXTURE}
        found += [
            Baseline(names[name], split, score) for name, score in scores[split].items() if {name, chosen} != {OWN}
        ]
        found += score_baselines(text, corpus.tokenizer, symbol_counts, split=split)
    return tuple(found)


def simplest_as_good(score: Score, corpus: EncodedCorpus, baselines: Iterable[Baseline]) -> Baseline | None:
    """Returns the unigram or the bigram model, if a network that was trained predicts the validation text no better.

    Args:
        score: the network's on the validation text.
        baselines: among them the unigram model's score on that text.
    """
    unigram = next(each for each in baselines if (each.name, each.split) == ("unigram", "validation"))
    if score.total_nats >= unigram.score.total_nats:
        return unigram
    assert corpus.valid is not None
    if corpus.tokenizer.outputs is not None:
        return None
    tokenizer, tokens = corpus.tokenizer, corpus.train.tokens
    bigrams = count_model(
        tokens.read(0, min(BIGRAM_SYMBOLS, len(tokens))),
        order=2,
        smoothing="witten-bell",
        vocabulary_size=tokenizer.vocabulary_size,
        begin=tokenizer.begin,
    )
    model = NgramLanguageModel(bigrams.model)
    parts = score_parts(model, corpus.valid, tokenizer, device=torch.device("cpu"), mode="fast")
    return Baseline("bigram", "validation", parts[OWN]) if score.total_nats >= parts[OWN].total_nats else None
