"""A run's configuration with every open setting settled: sizes and length from a time budget, rates from those."""

import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import islice

import torch

from charlm.cells import CELLS
from charlm.config import Request, RunConfig
from charlm.data.corpus import EncodedCorpus
from charlm.data.lanes import Batches, Window
from charlm.evaluation.readings import carried, warm_lanes
from charlm.evaluation.scorer import total_nats
from charlm.models.build import arrays_of
from charlm.models.threads import using_threads
from charlm.runs.device import resolve_device
from charlm.runs.finish import reads_one_stream
from charlm.training.defaults import default_dropout, default_embedding_size, default_learning_rate
from charlm.training.planning import choose_threads, measure_steps, steps_for_budget
from charlm.training.precision import autocast
from charlm.training.sizing import Sizes, Task, candidates, choose
from charlm.training.trainer import Trainer

MOST_EPOCHS = 40
"""Passes over a text after which a time budget ends the training; later ones make it no better."""
FEWEST_STEPS = 500
"""Steps that a time budget may use on a text of any size, however short."""

_SHORTEST_TRAINING = 1.0
"""Seconds of training that even a budget gets which is over by then."""
_MLP_WIDTH = 512
"""Units of a feed-forward network for a budget; no rule was fitted to it."""
_WRITTEN_A_SECOND = 1.5e8
"""Bytes of a checkpoint that are copied, hashed and synced to the disk; measured once, on a usual disk."""
_SHARE_FOR_TIMING = 0.05
_SHARE_FOR_ONE_TIMING = 0.012


@dataclass(frozen=True)
class Settled:
    """A configuration in which nothing is open.

    Attributes:
        config: sizes, steps, learning rate, dropout and threads are all set.
        length: where the number of steps comes from, for people.
        choice: why these sizes, for people; None where they were asked for or are the defaults.
        seconds: time in which training has to end, its evaluations included; None where only steps count.
        warnings: sentences that should not be missed.
    """

    config: RunConfig
    length: str
    choice: str | None = None
    seconds: float | None = None
    warnings: tuple[str, ...] = ()


def settle(
    request: Request, corpus: EncodedCorpus, build_trial: Callable[[RunConfig], Trainer], *, started: float
) -> Settled:
    """Returns the configuration with sizes, length, learning rate and dropout settled.

    Steps and epochs leave the sizes at their defaults, so that the same command gives the same training on
    every machine. A time budget chooses the sizes that were not asked for by what steps take here.

    Args:
        build_trial: makes a trainer to time; it is thrown away, so that what is then trained depends on the
            settled configuration alone.
        started: when the command began, by `time.monotonic`; a budget covers all of it.
    """
    if request.config.training.duration.is_budget:
        return _within_budget(request, corpus, build_trial, started=started)
    config = with_defaults_of_width(request.config)
    batches = build_trial(config).batches
    config, length = _in_steps(config, batches)
    threads = config.run.threads or torch.get_num_threads()
    return Settled(_with_threads(_with_dropout(config, batches), threads), length)


def with_defaults_of_width(config: RunConfig) -> RunConfig:
    """Returns the configuration with the defaults that follow from the width filled in."""
    width = config.model.hidden_size
    embedding_size = config.model.embedding_size or default_embedding_size(config.model)
    model = config.model.model_copy(update={"embedding_size": embedding_size})
    rate = config.training.learning_rate or default_learning_rate(config.model, width)
    return _with_training(config.model_copy(update={"model": model}), learning_rate=rate)


def _in_steps(config: RunConfig, batches: Batches) -> tuple[RunConfig, str]:
    """Returns the configuration with its length in steps, and where that comes from."""
    training = config.training
    if training.steps is not None:
        return config, f"{training.steps:,} steps, as asked"
    assert training.epochs is not None
    steps = max(1, math.ceil(training.epochs * batches.windows_per_epoch))
    reason = f"{training.epochs:g} epochs of {batches.windows_per_epoch:,} steps"
    return _with_training(config, steps=steps, epochs=None), reason


def _within_budget(
    request: Request, corpus: EncodedCorpus, build_trial: Callable[[RunConfig], Trainer], *, started: float
) -> Settled:
    budget = request.config.training.duration
    deadline = started + budget.value
    timer = _Timer(request.config, build_trial, budget_seconds=budget.value)
    config, choice, step_seconds = _choose_sizes(request, corpus, timer, seconds=deadline - time.monotonic())
    config = _with_threads(config, timer.threads)
    trial = build_trial(config)
    batches = trial.batches
    with using_threads(timer.threads):
        costs = _measure_scoring(trial, corpus)

    left = deadline - time.monotonic()
    symbols = left / step_seconds * batches.targets_per_epoch / batches.windows_per_epoch
    left -= costs.of_finishing(corpus, trained_on=symbols)
    seconds = max(_SHORTEST_TRAINING, left)
    steps, evaluations = steps_for_budget(
        budget_seconds=seconds,
        step_seconds=step_seconds,
        evaluation_seconds=costs.evaluation,
        evaluations=config.training.evaluations,
    )
    length = f"what fits in {budget} at {1e3 * step_seconds:.1f} ms a step"
    warnings = []
    if left < _SHORTEST_TRAINING:
        needed = math.ceil(budget.value - left + 2 * _SHORTEST_TRAINING)
        warnings.append(
            f"{budget} is over before training can begin; training for {_SHORTEST_TRAINING:.0f} s all the same. "
            f"For this text, --budget {needed}s is about the shortest that makes sense."
        )
    most = max(MOST_EPOCHS * batches.windows_per_epoch, FEWEST_STEPS)
    if steps > most:
        length = f"{most / batches.windows_per_epoch:.0f} epochs, the most that help on so short a text"
        if config.training.budget is not None:
            warnings.append(
                f"{budget} is longer than this text has use for: training ends after {length.split(',')[0]}, about "
                f"{math.ceil(most * step_seconds)} s. More are trained with --epochs, or on more text."
            )
        steps, seconds = most, math.inf
    config = _with_training(config, steps=steps, evaluations=evaluations, budget=None)
    return Settled(
        _with_dropout(config, batches),
        length,
        choice=choice,
        seconds=None if math.isinf(seconds) else seconds,
        warnings=tuple(warnings),
    )


def _choose_sizes(
    request: Request, corpus: EncodedCorpus, timer: "_Timer", *, seconds: float
) -> tuple[RunConfig, str | None, float]:
    """Returns the configuration with the sizes that suit the time, why these, and the seconds of a step."""
    config, fixed = request.config, request.asked
    task = _task(config, corpus, seconds=max(_SHORTEST_TRAINING, seconds))
    if config.model.model == "mlp":
        # The forecast is of recurrent networks: it says nothing of this one's width.
        if "hidden_size" not in fixed:
            config = config.model_copy(update={"model": config.model.model_copy(update={"hidden_size": _MLP_WIDTH})})
        fixed = fixed | {"hidden_size"}
    choices = candidates(_sizes_of(config), fixed, width_multiple=128 if timer.device.type == "cuda" else 1)
    sizes, timed = choose(task, choices, timer.step_seconds, may_go_on=timer.may_go_on)
    step_seconds = timed[sizes]
    choice = None
    if len(choices) > 1:
        reads = task.steps(sizes, step_seconds) * task.batch_symbols(sizes) / corpus.train.num_symbols
        choice = (
            f"{sizes.num_layers} x {sizes.hidden_size} units, {sizes.batch_size} x {sizes.sequence_length} symbols a "
            f"step: the best forecast for a text of {corpus.train.num_symbols:,} symbols, read {reads:.2g} times at "
            f"{task.batch_symbols(sizes) / step_seconds:,.0f} a second ({len(timed)} of {len(choices)} sizes timed)"
        )
    return with_defaults_of_width(_with_sizes(config, sizes)), choice, step_seconds


class _Timer:
    """Times steps with other sizes, within a share of the budget.

    Attributes:
        threads: CPU threads to train with: those asked for, or whichever made the first sizes faster.
    """

    def __init__(
        self, config: RunConfig, build_trial: Callable[[RunConfig], Trainer], *, budget_seconds: float
    ) -> None:
        self.device = resolve_device(config.run.device)
        self.threads = config.run.threads or torch.get_num_threads()
        is_open = config.run.threads is None and self.device.type == "cpu"
        self._candidates = {1, self.threads} if is_open else {self.threads}
        self._config = config
        self._build_trial = build_trial
        self._limit_seconds = _SHARE_FOR_ONE_TIMING * budget_seconds
        self._deadline = time.monotonic() + _SHARE_FOR_TIMING * budget_seconds

    def step_seconds(self, sizes: Sizes) -> float:
        """Returns the seconds of a step; the first call settles the number of threads."""
        trial = self._build_trial(with_defaults_of_width(_with_sizes(self._config, sizes)))
        times = {}
        for threads in sorted(self._candidates):
            with using_threads(threads):
                times[threads] = measure_steps(trial.take_step, limit_seconds=self._limit_seconds)
        self.threads, seconds = choose_threads(times)
        self._candidates = {self.threads}
        return seconds

    def may_go_on(self) -> bool:
        """Returns whether there is time for another."""
        return time.monotonic() < self._deadline


@dataclass(frozen=True)
class _ScoringCosts:
    """Seconds that scoring takes.

    Attributes:
        evaluation: of the validation text, as during training, and writing the model if it is the best.
        writing: of the model.
        stretches: a symbol, many stretches side by side, as exactly as at the end.
        stream: a symbol, one stream.
    """

    evaluation: float
    writing: float
    stretches: float
    stream: float

    def of_finishing(self, corpus: EncodedCorpus, *, trained_on: float) -> float:
        """Returns about how long the end takes: the scores, writing the last state, and reading the best model."""
        lengths = [len(text.tokens) for text in (corpus.valid, corpus.test) if text is not None]
        is_records = corpus.tokenizer.begin is not None
        return 2.0 * self.writing + sum(
            length * (self.stream if not is_records and reads_one_stream(length, trained_on) else self.stretches)
            for length in lengths
        )


def _measure_scoring(trial: Trainer, corpus: EncodedCorpus) -> _ScoringCosts:
    tokens = corpus.train.tokens if corpus.valid is None else corpus.valid.tokens
    trial.model.eval()

    def per_symbol(windows: Iterable[Window], precision: AbstractContextManager[object]) -> float:
        few = list(islice(windows, 3))
        total_nats(trial.model, few[:1], device=trial.device)
        started = time.perf_counter()
        with precision:
            total_nats(trial.model, few, device=trial.device)
        return (time.perf_counter() - started) / sum(window.inputs.numel() for window in few)

    def lanes() -> Iterator[Window]:
        return warm_lanes(tokens, num_lanes=max(1, min(64, len(tokens) // 512)), warmup=0, length=128)

    scored = 0 if corpus.valid is None else len(tokens)
    writing = sum(array.nbytes for array in arrays_of(trial.model).values()) / _WRITTEN_A_SECOND
    return _ScoringCosts(
        evaluation=scored * per_symbol(lanes(), autocast(trial.precision, trial.device)) + writing,
        writing=writing,
        stretches=per_symbol(lanes(), nullcontext()),
        stream=per_symbol(carried(tokens, length=256), nullcontext()),
    )


def _task(config: RunConfig, corpus: EncodedCorpus, *, seconds: float) -> Task:
    train = corpus.train
    gates = CELLS[config.model.cell].num_matrix_pairs if config.model.model == "recurrent" else 1
    return Task(
        seconds=seconds,
        corpus_symbols=train.num_symbols,
        symbols_per_record=train.num_symbols / train.num_records if corpus.tokenizer.begin is not None else None,
        most_epochs=MOST_EPOCHS,
        gates=gates,
        vocabulary_size=corpus.tokenizer.vocabulary_size,
    )


def _sizes_of(config: RunConfig) -> Sizes:
    model, training = config.model, config.training
    return Sizes(model.hidden_size, model.num_layers, training.batch_size, training.sequence_length)


def _with_sizes(config: RunConfig, sizes: Sizes) -> RunConfig:
    model = config.model.model_copy(update={"hidden_size": sizes.hidden_size, "num_layers": sizes.num_layers})
    config = config.model_copy(update={"model": model})
    return _with_training(config, batch_size=sizes.batch_size, sequence_length=sizes.sequence_length)


def _with_training(config: RunConfig, **settings: object) -> RunConfig:
    return config.model_copy(update={"training": config.training.model_copy(update=settings)})


def _with_threads(config: RunConfig, threads: int) -> RunConfig:
    return config.model_copy(update={"run": config.run.model_copy(update={"threads": threads})})


def _with_dropout(config: RunConfig, batches: Batches) -> RunConfig:
    """Returns the configuration with the default that follows from the length filled in."""
    if config.model.dropout is not None:
        return config
    assert config.training.steps is not None
    dropout = default_dropout(config.training.steps / batches.windows_per_epoch)
    return config.model_copy(update={"model": config.model.model_copy(update={"dropout": dropout})})
