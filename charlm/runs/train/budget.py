"""What a time budget decides: the sizes that suit it, and the number of steps that fill it."""

import math
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, replace

from charlm.cells import CELLS
from charlm.config import Request, RunConfig
from charlm.data.corpus import EncodedCorpus
from charlm.notation import Duration, counted
from charlm.runs.train.settings import with_defaults_of_width, with_settings
from charlm.runs.train.tasks import with_task_sizes
from charlm.runs.train.timing import ScoringCosts
from charlm.tasks import TASKS
from charlm.tasks import Sizes as TaskSizes
from charlm.training.pace import Pace
from charlm.training.planning import FEWEST_STEPS, Division, divide
from charlm.training.sizing import Sizes, Task, candidates, choose

MOST_EPOCHS = 40
"""Passes over a text after which a time budget ends the training; later ones make it no better."""
SHORTEST_TRAINING = 1.0
"""Seconds of training that even a budget gets which is over by then."""
_HARDLY_ANY_STEPS = 50
"""Steps below which a budget is said to be too short."""

NARROW_WIDTHS = (48, 64, 96)
"""Units of a layer for a task where a budget has time for too few steps of wider ones."""

_MLP_WIDTH = 512
"""Units of a feed-forward network for a budget; no rule was fitted to it."""


@dataclass(frozen=True)
class ChosenSizes:
    """The sizes that suit a time.

    Attributes:
        config: with them, and with what follows from them.
        reason: why these, for people; None where nothing was open.
        step_seconds: of one step.
    """

    config: RunConfig
    reason: str | None
    step_seconds: float


def choose_sizes(
    request: Request,
    task: Task,
    time_step: Callable[[RunConfig], float],
    *,
    may_go_on: Callable[[], bool],
    width_multiple: int = 1,
) -> ChosenSizes:
    """Returns the sizes with the best forecast among those that were not asked for.

    Args:
        time_step: times a step of a configuration.
        may_go_on: whether there is time for another.
        width_multiple: what widths are a multiple of.
    """
    config, fixed = request.config, request.asked
    if config.model.model == "mlp":
        # The forecast is of recurrent networks: it says nothing of this one's width.
        if "hidden_size" not in fixed:
            config = with_settings(config, hidden_size=_MLP_WIDTH)
        fixed = fixed | {"hidden_size"}
    of_task = None if config.data.task is None else TASKS[config.data.task].sizes
    if of_task is not None:
        return _sizes_of_task(request, of_task, task, time_step)
    model, training = config.model, config.training
    asked = Sizes(model.hidden_size, model.num_layers, training.batch_size, training.sequence_length)
    choices = candidates(task, asked, fixed, width_multiple=width_multiple)

    def sized(sizes: Sizes) -> RunConfig:
        # Examples of a task are read whole: their windows have no length of their own.
        kept = {} if config.data.task is None else {"sequence_length": training.sequence_length}
        return with_defaults_of_width(with_settings(config, **(asdict(sizes) | kept)))

    sizes, timed = choose(task, choices, lambda each: time_step(sized(each)), may_go_on=may_go_on)
    step_seconds = timed[sizes]
    reason = None
    if len(choices) > 1:
        speed = task.batch_symbols(sizes) / step_seconds
        windows = f"{sizes.batch_size} x {sizes.sequence_length} symbols"
        if config.data.task is not None:
            windows = counted(sizes.batch_size, "example")
        reason = (
            f"{sizes.num_layers} x {sizes.hidden_size} units, {windows} a step: the best forecast for a text of "
            f"{task.corpus_symbols:,}, at {speed:,.0f} symbols a second without evaluations "
            f"({len(timed)} of {len(choices)} sizes timed)"
        )
    return ChosenSizes(sized(sizes), reason, step_seconds)


def _sizes_of_task(
    request: Request,
    of_task: TaskSizes,
    task: Task,
    time_step: Callable[[RunConfig], float],
) -> ChosenSizes:
    """Returns the usual sizes for a task, or narrower layers where the time has too few steps for them.

    The forecast says nothing of labels; docs/budget.md has the rule and what it was measured on.
    """
    usual = with_task_sizes(request.config, of_task, request.asked, symbols=task.corpus_symbols)
    width = usual.model.hidden_size

    def timed(width: int) -> tuple[RunConfig, float]:
        config = with_settings(usual, hidden_size=width)
        config = with_defaults_of_width(config)
        return config, time_step(config)

    config, step_seconds = timed(width)
    missing = of_task.fewest_steps * step_seconds / task.seconds
    if missing > 1.0 and "hidden_size" not in request.asked:
        affordable = [each for each in NARROW_WIDTHS if each < width and missing * (each / width) ** 1.5 <= 1.0]
        config, step_seconds = timed(max(affordable, default=min(width, *NARROW_WIDTHS)))
    model = config.model
    reason = f"{model.num_layers} x {model.hidden_size} units, {counted(config.training.batch_size, 'example')} a step"
    if model.hidden_size < width:
        reason += f": the time is too short for {width} units"
    return ChosenSizes(config, reason, step_seconds)


@dataclass(frozen=True)
class FilledBudget:
    """A length that fills a budget.

    Attributes:
        division: of the time, into steps and evaluations.
        reason: where the number of steps comes from, for people.
        seconds: time in which training has to end.
        most_steps: as many as the text has use for.
        warnings: sentences that should not be missed.
    """

    division: Division
    reason: str
    seconds: float
    most_steps: int
    warnings: tuple[str, ...]


def fill_budget(
    budget: Duration,
    *,
    left: float,
    step_seconds: float,
    costs: ScoringCosts,
    evaluations: int,
    steps_per_epoch: int,
    asked: Collection[str],
    most_epochs: int = MOST_EPOCHS,
    evaluated_symbols: int = 0,
) -> FilledBudget:
    """Returns the number of steps that a budget has time for, or as many as a short text has use for.

    Args:
        left: seconds of the budget that are left for training and its evaluations; may be below 0.
        costs: of evaluations.
        evaluations: how many are wanted.
        asked: settings that somebody chose: so many evaluations; a budget, to know of it that it is too long.
        most_epochs: passes after which training ends.
        evaluated_symbols: in the validation text.
    """
    seconds = max(SHORTEST_TRAINING, left)
    division = divide(
        seconds,
        step_seconds=step_seconds,
        scoring_seconds=costs.evaluation,
        around_seconds=costs.around,
        evaluations=evaluations,
        is_fixed="evaluations" in asked,
        evaluated_symbols=evaluated_symbols,
    )
    warnings: list[str] = []
    if left < SHORTEST_TRAINING:
        around = budget.value - left
        warnings.append(
            f"{budget} is over before training can begin: what comes before and after it takes {around:.0f} s here. "
            f"Training for {SHORTEST_TRAINING:.0f} s all the same; "
            f"--budget {math.ceil(around + 2 * SHORTEST_TRAINING)}s is about the shortest that makes sense."
        )
    elif division.steps < _HARDLY_ANY_STEPS:
        enough = budget.value - left + 2 * _HARDLY_ANY_STEPS * step_seconds
        warnings.append(
            f"{budget} has time for {counted(division.steps, 'step')} only, after which a network has hardly begun to "
            f"learn; --budget {math.ceil(enough)}s is about the shortest that makes sense."
        )
    most = max(most_epochs * steps_per_epoch, FEWEST_STEPS)
    if division.steps <= most:
        time = f"{SHORTEST_TRAINING:.0f}s" if left < SHORTEST_TRAINING else str(budget)
        reason = f"what fits in {time} at {1e3 * step_seconds:.1f} ms a step"
        return FilledBudget(division, reason, seconds, most, tuple(warnings))
    epochs = f"{most / steps_per_epoch:.0f} epochs"
    if "budget" in asked:
        warnings.append(
            f"{budget} is longer than this text has use for: training ends after {epochs}, about "
            f"{math.ceil(most * step_seconds)} s. More are trained with --epochs, or on more text."
        )
    reason = f"{epochs}, the most that help on so short a text"
    return FilledBudget(replace(division, steps=most), reason, seconds, most, tuple(warnings))


def cut_short_at(pace: Pace, *, seconds: float | None) -> float | None:
    """Returns the share of a training that was done when its time was over; None where it was done as planned.

    Of a budget that is over before training can begin, `fill_budget` has warned; nothing more is said of it.

    Args:
        seconds: time in which training had to end.
    """
    return None if seconds == SHORTEST_TRAINING else pace.cut_short_at


def most_epochs(config: RunConfig) -> int:
    """Returns after how many passes over the text a budget ends the training."""
    sizes = None if config.data.task is None else TASKS[config.data.task].sizes
    return MOST_EPOCHS if sizes is None else sizes.most_epochs


def sizing_task(config: RunConfig, corpus: EncodedCorpus, *, seconds: float) -> Task:
    """Returns what the sizes are for.

    Args:
        seconds: time for the training's steps.
    """
    train = corpus.train
    pairs = CELLS[config.model.cell].num_matrix_pairs if config.model.model == "recurrent" else 1
    return Task(
        seconds=max(SHORTEST_TRAINING, seconds),
        corpus_symbols=train.num_symbols,
        symbols_per_record=train.num_symbols / train.num_records if corpus.tokenizer.begin is not None else None,
        most_epochs=MOST_EPOCHS,
        gates=pairs,
        vocabulary_size=corpus.tokenizer.vocabulary_size,
    )
