"""What steps and scores take on this machine, measured on a trainer that is thrown away."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import islice

from charlm.config import RunConfig
from charlm.data.batches import batch_examples
from charlm.data.corpus import EncodedCorpus
from charlm.data.encoder import EncodedText
from charlm.data.lanes import Window
from charlm.data.tokenizers.base import Tokenizer
from charlm.evaluation.joined import num_read
from charlm.evaluation.scorer import total_nats
from charlm.evaluation.windows import stream_windows, warm_windows
from charlm.models.build import arrays_of
from charlm.runs.train.kept_weights import KeptWeights
from charlm.runs.train.result import choose_modes, held_out
from charlm.runs.train.settings import with_settings
from charlm.training.planning import measure_steps
from charlm.training.precision import autocast
from charlm.training.trainer import Trainer

_WRITTEN_A_SECOND = 1.5e8
"""Bytes of a checkpoint that are copied, hashed and synced to the disk; measured once, on a usual disk."""
_STATES = 3
"""Copies of what is trained that a state has: the weights and two moments."""
_FIRST_CALIBRATED, _CALIBRATED = 1 / 16, 1 / 4
"""Shares of a calibration: to warm up, and to time."""
_SHARE_FOR_TIMING = 0.05
_SHARE_FOR_ONE_TIMING = 0.012
_FEWEST_SECONDS_TO_SHARE = 60.0
"""Length of a budget that has time to try shared products, which another process may slow down to seconds a step."""


class StepTimer:
    """Times steps of several configurations, within a share of a budget."""

    def __init__(
        self, build_trial: Callable[[RunConfig], Trainer], *, budget_seconds: float, clock: Callable[[], float]
    ) -> None:
        self._build_trial = build_trial
        self._has_time_to_share = budget_seconds >= _FEWEST_SECONDS_TO_SHARE
        self._limit_seconds = _SHARE_FOR_ONE_TIMING * budget_seconds
        self._clock = clock
        self._deadline = clock() + _SHARE_FOR_TIMING * budget_seconds

    def step_seconds(self, config: RunConfig) -> float:
        """Returns the seconds of a step while nothing else disturbs it."""
        trial = self._build_trial(config)
        in_groups = self._least_seconds(trial)
        if trial.sharing is None or not trial.sharing.is_quiet or not self._has_time_to_share:
            return in_groups
        return min(in_groups, self._least_seconds(self._build_trial(with_settings(config, lane_groups=1))))

    def _least_seconds(self, trial: Trainer) -> float:
        return min(measure_steps(trial.take_step, limit_seconds=self._limit_seconds, clock=self._clock))

    def may_go_on(self) -> bool:
        """Returns whether there is time for another."""
        return self._clock() < self._deadline


@dataclass(frozen=True)
class ScoringCosts:
    """Seconds that scoring takes.

    Attributes:
        evaluation: of the whole validation text, as during training.
        writing: of the model, its n-grams included.
        writing_state: of what a training goes on from.
        stretches: a symbol, many stretches side by side, as exactly as at the end.
        stream: a symbol, one stream.
        calibrating: a mixture for the validation text, before each evaluation.
    """

    evaluation: float
    writing: float
    stretches: float
    stream: float
    writing_state: float = 0.0
    calibrating: float = 0.0

    @property
    def around(self) -> float:
        """Seconds of an evaluation besides the scores: to calibrate, and to save the best model and the state."""
        return self.calibrating + self.writing + self.writing_state

    def of_finishing(self, corpus: EncodedCorpus, *, trained_on: float) -> float:
        """Returns about how long the end takes: the scores, writing the last state, and reading the best model."""
        modes = choose_modes(corpus, trained_on=trained_on, does_forget=lambda text: _side_by_side(text) is not None)

        def scoring(split: str, text: EncodedText) -> float:
            # Records are always scored side by side.
            read = (
                len(text.tokens)
                if modes[split] == "fast" or corpus.tokenizer.begin is not None
                else _side_by_side(text)
            )
            return len(text.tokens) * self.stream if read is None else read * self.stretches

        return 2.0 * self.writing + sum(scoring(split, text) for split, text in held_out(corpus).items())


def _side_by_side(text: EncodedText) -> int | None:
    """Returns how many symbols a model that forgets reads to score a text exactly; None if it is too short for that."""
    return num_read(len(text.tokens) - 1)


def measure_scoring(trial: Trainer, corpus: EncodedCorpus) -> ScoringCosts:
    """Returns what scoring the held-out texts takes with a trial's model."""
    tokens = corpus.train.tokens if corpus.valid is None else corpus.valid.tokens
    examples = batch_examples(tokens, corpus.tokenizer)
    trial.model.eval()
    world = trial.world

    def per_symbol(windows: Iterable[Window], precision: AbstractContextManager[object]) -> float:
        few = list(islice(windows, 3))
        total_nats(trial.model, few[:1], device=trial.device, world=world)
        started = world.clock()
        with precision:
            total_nats(trial.model, few, device=trial.device, world=world)
        return (world.clock() - started) / sum(window.inputs.numel() for window in few)

    def lanes() -> Iterator[Window]:
        if examples is not None:
            return map(examples.batch, range(examples.windows_per_epoch))
        return warm_windows(tokens, num_lanes=max(1, min(64, len(tokens) // 512)), warmup=0, length=128)

    scored = 0 if corpus.valid is None else len(tokens)
    trained = sum(parameter.nbytes for parameter in trial.parameters)
    return ScoringCosts(
        evaluation=scored * per_symbol(lanes(), autocast(trial.precision, trial.device)),
        writing=sum(array.nbytes for array in arrays_of(trial.model).values()) / _WRITTEN_A_SECOND,
        writing_state=_STATES * trained / _WRITTEN_A_SECOND,
        stretches=per_symbol(lanes(), nullcontext()),
        stream=per_symbol(stream_windows(tokens, length=256) if examples is None else lanes(), nullcontext()),
        calibrating=0.0 if corpus.valid is None else _calibrating_seconds(trial, corpus.valid, corpus.tokenizer),
    )


def _calibrating_seconds(trial: Trainer, valid: EncodedText, tokenizer: Tokenizer) -> float:
    weights = KeptWeights(trial)
    weights.calibrate(valid, tokenizer, share=_FIRST_CALIBRATED)
    started = trial.world.clock()
    weights.calibrate(valid, tokenizer, share=_CALIBRATED)
    return (trial.world.clock() - started) / _CALIBRATED
