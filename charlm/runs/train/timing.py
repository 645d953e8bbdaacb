"""What steps and scores take on this machine, measured on a trainer that is thrown away."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import islice

from charlm.config import RunConfig
from charlm.data.batches import batch_examples
from charlm.data.corpus import EncodedCorpus
from charlm.data.lanes import Window
from charlm.evaluation.scorer import total_nats
from charlm.evaluation.windows import stream_windows, warm_windows
from charlm.models.build import arrays_of
from charlm.runs.train.result import choose_modes, held_out
from charlm.training.planning import measure_steps
from charlm.training.precision import autocast
from charlm.training.trainer import Trainer

_WRITTEN_A_SECOND = 1.5e8
"""Bytes of a checkpoint that are copied, hashed and synced to the disk; measured once, on a usual disk."""
_STATES = 4
"""Copies of the model's size that are written after an evaluation: the best model, the state's and two moments."""
_SHARE_FOR_TIMING = 0.05
_SHARE_FOR_ONE_TIMING = 0.012


class StepTimer:
    """Times steps of several configurations, within a share of a budget."""

    def __init__(self, build_trial: Callable[[RunConfig], Trainer], *, budget_seconds: float) -> None:
        self._build_trial = build_trial
        self._limit_seconds = _SHARE_FOR_ONE_TIMING * budget_seconds
        self._deadline = time.monotonic() + _SHARE_FOR_TIMING * budget_seconds

    def step_seconds(self, config: RunConfig) -> float:
        """Returns the seconds of a step while nothing else disturbs it."""
        return min(measure_steps(self._build_trial(config).take_step, limit_seconds=self._limit_seconds))

    def may_go_on(self) -> bool:
        """Returns whether there is time for another."""
        return time.monotonic() < self._deadline


@dataclass(frozen=True)
class ScoringCosts:
    """Seconds that scoring takes.

    Attributes:
        evaluation: of the whole validation text, as during training.
        writing: of the model.
        stretches: a symbol, many stretches side by side, as exactly as at the end.
        stream: a symbol, one stream.
    """

    evaluation: float
    writing: float
    stretches: float
    stream: float

    @property
    def saving(self) -> float:
        """Seconds to save the best model and the training's state."""
        return _STATES * self.writing

    def of_finishing(self, corpus: EncodedCorpus, *, trained_on: float) -> float:
        """Returns about how long the end takes: the scores, writing the last state, and reading the best model."""
        # Records are always scored side by side.
        exact = self.stream if corpus.tokenizer.begin is None else self.stretches
        seconds = {"exact": exact, "fast": self.stretches}
        modes = choose_modes(corpus, trained_on=trained_on)
        texts = held_out(corpus)
        return 2.0 * self.writing + sum(len(text.tokens) * seconds[modes[split]] for split, text in texts.items())


def measure_scoring(trial: Trainer, corpus: EncodedCorpus) -> ScoringCosts:
    """Returns what scoring the held-out texts takes with a trial's model."""
    tokens = corpus.train.tokens if corpus.valid is None else corpus.valid.tokens
    examples = batch_examples(tokens, corpus.tokenizer)
    trial.model.eval()

    def per_symbol(windows: Iterable[Window], precision: AbstractContextManager[object]) -> float:
        few = list(islice(windows, 3))
        total_nats(trial.model, few[:1], device=trial.device)
        started = time.perf_counter()
        with precision:
            total_nats(trial.model, few, device=trial.device)
        return (time.perf_counter() - started) / sum(window.inputs.numel() for window in few)

    def lanes() -> Iterator[Window]:
        if examples is not None:
            return map(examples.batch, range(examples.windows_per_epoch))
        return warm_windows(tokens, num_lanes=max(1, min(64, len(tokens) // 512)), warmup=0, length=128)

    scored = 0 if corpus.valid is None else len(tokens)
    writing = sum(array.nbytes for array in arrays_of(trial.model).values()) / _WRITTEN_A_SECOND
    return ScoringCosts(
        evaluation=scored * per_symbol(lanes(), autocast(trial.precision, trial.device)),
        writing=writing,
        stretches=per_symbol(lanes(), nullcontext()),
        stream=per_symbol(stream_windows(tokens, length=256) if examples is None else lanes(), nullcontext()),
    )
