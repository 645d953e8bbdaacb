"""Times by a clock that only moves when a step is taken."""

from collections.abc import Iterable, Iterator
from itertools import cycle
from types import SimpleNamespace

import pytest

from charlm.config import RunConfig
from charlm.runs.train.timing import ScoringCosts, StepTimer

CONFIG = RunConfig(data={"corpus": ["tale.txt"]})
COSTS = ScoringCosts(evaluation=3.0, writing=0.5, stretches=0.001, stream=0.01)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def read(self) -> float:
        return self.now


class Trial:
    """Steps that take some seconds each."""

    def __init__(self, clock: Clock, seconds: Iterator[float], sharing: SimpleNamespace | None = None) -> None:
        self.clock, self.seconds, self.sharing = clock, seconds, sharing

    def take_step(self) -> None:
        self.clock.now += next(self.seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def timer(clock: Clock, seconds: Iterable[float], *, budget: float = 100.0) -> StepTimer:
    return StepTimer(lambda _: Trial(clock, cycle(seconds)), budget_seconds=budget, clock=clock.read)


def test_a_step_that_something_else_disturbs_does_not_count(clock):
    assert timer(clock, [0.25, 8.0, 0.5]).step_seconds(CONFIG) == 0.25


def test_a_twentieth_of_the_budget_goes_to_timing(clock):
    steps = timer(clock, [1.0], budget=100.0)
    assert steps.may_go_on()
    clock.now = 4.75
    assert steps.may_go_on()
    clock.now = 5.25
    assert not steps.may_go_on()


@pytest.mark.parametrize(("budget", "steps"), [(100.0, 2 + 4), (1000.0, 2 + 12), (1e6, 2 + 40)])
def test_few_steps_are_timed_where_they_are_slow_and_forty_where_they_are_fast(clock, budget, steps):
    # Two warm up; then at least four, and as many as fit in 0.012 of the budget, but forty.
    timer(clock, [1.0], budget=budget).step_seconds(CONFIG)
    assert clock.now == steps


@pytest.mark.parametrize(
    ("budget", "is_quiet", "expected"),
    # Something else computes, or the steps that it would slow down are too long for the time, or unwanted.
    [(60.0, True, 0.5), (60.0, False, 1.0), (59.0, True, 1.0), (60.0, None, 1.0)],
)
def test_shared_products_are_timed_where_nothing_disturbs_and_there_is_time(clock, budget, is_quiet, expected):
    def build(config: RunConfig) -> Trial:
        sharing = None if is_quiet is None else SimpleNamespace(is_quiet=is_quiet)
        return Trial(clock, cycle([0.5 if config.training.lane_groups == 1 else 1.0]), sharing)

    assert StepTimer(build, budget_seconds=budget, clock=clock.read).step_seconds(CONFIG) == expected


def corpus(valid: int | None, test: int | None, *, begin: int | None = None) -> SimpleNamespace:
    texts = [None if length is None else SimpleNamespace(tokens=range(length)) for length in (valid, test)]
    return SimpleNamespace(valid=texts[0], test=texts[1], tokenizer=SimpleNamespace(begin=begin))


def test_an_evaluation_calibrates_and_writes_the_model_and_the_state():
    costs = ScoringCosts(evaluation=3.0, writing=0.5, stretches=0.001, stream=0.01, writing_state=0.25, calibrating=2.0)
    assert costs.around == 2.75


def test_the_end_writes_twice_and_reads_both_texts():
    # Short texts after a long training are read in one stream: 0.01 s a symbol.
    assert COSTS.of_finishing(corpus(100, 200), trained_on=1e9) == pytest.approx(1.0 + 3.0)
    assert COSTS.of_finishing(corpus(None, 200), trained_on=1e9) == pytest.approx(1.0 + 2.0)
    assert COSTS.of_finishing(corpus(None, None), trained_on=1e9) == 1.0


def test_records_and_long_texts_are_scored_side_by_side():
    assert COSTS.of_finishing(corpus(100, 200, begin=0), trained_on=1e9) == pytest.approx(1.0 + 0.3)

    # In 763 parts of at most 16 x 8,192 symbols; 15 stretches of each are warmed up on 1,024 symbols.
    read = 10**8 - 1 + 763 * 15 * 1024
    assert COSTS.of_finishing(corpus(10**8, None), trained_on=1.0) == pytest.approx(1.0 + read / 1000)
