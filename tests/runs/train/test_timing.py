"""Times by a clock that only moves when a step is taken."""

from types import SimpleNamespace

import pytest
import torch

from charlm.config import RunConfig
from charlm.models.threads import using_threads
from charlm.runs.train import timing
from charlm.runs.train.timing import ScoringCosts, StepTimer
from charlm.training import planning

CPU = torch.device("cpu")
CONFIG = RunConfig(data={"corpus": ["tale.txt"]})
COSTS = ScoringCosts(evaluation=3.0, writing=0.5, stretches=0.001, stream=0.01)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def read(self) -> float:
        return self.now


class Trial:
    """Steps that take some seconds with one thread, and others with two."""

    def __init__(self, clock: Clock, seconds: dict[int, float]) -> None:
        self.clock, self.seconds = clock, seconds

    def take_step(self) -> None:
        self.clock.now += self.seconds[torch.get_num_threads()]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    times = SimpleNamespace(perf_counter=clock.read, monotonic=clock.read)
    monkeypatch.setattr(planning, "time", times)
    monkeypatch.setattr(timing, "time", times)
    return clock


def timer(clock: Clock, seconds: dict[int, float], *, threads: int | None = None, budget: float = 100.0) -> StepTimer:
    return StepTimer(lambda _: Trial(clock, seconds), threads=threads, device=CPU, budget_seconds=budget)


def test_the_threads_that_are_faster_are_kept(clock):
    with using_threads(2):
        steps = timer(clock, {1: 0.5, 2: 0.25})
        assert steps.step_seconds(CONFIG) == 0.25
        assert steps.threads == 2


def test_two_threads_that_are_hardly_faster_are_not_worth_it(clock):
    with using_threads(2):
        steps = timer(clock, {1: 0.5, 2: 0.4999})
        assert steps.step_seconds(CONFIG) == 0.5
        assert steps.threads == 1


def test_threads_that_were_asked_for_are_not_questioned(clock):
    with using_threads(2):
        steps = timer(clock, {1: 0.5}, threads=1)
        assert steps.step_seconds(CONFIG) == 0.5
        assert steps.threads == 1


def test_the_number_of_threads_is_settled_once(clock):
    with using_threads(2):
        seconds = {1: 0.25, 2: 0.5}
        steps = timer(clock, seconds)
        steps.step_seconds(CONFIG)
        seconds.update({1: 8.0, 2: 0.125})
        assert steps.step_seconds(CONFIG) == 8.0


def test_a_twentieth_of_the_budget_goes_to_timing(clock):
    with using_threads(1):
        steps = timer(clock, {1: 1.0}, budget=100.0)
        assert steps.may_go_on()
        clock.now = 4.75
        assert steps.may_go_on()
        clock.now = 5.25
        assert not steps.may_go_on()


def test_few_steps_are_timed_where_they_are_slow_and_forty_where_they_are_fast(clock):
    # Two warm up; then at least four, and as many as fit in 0.012 of the budget, but forty.
    with using_threads(1):
        timer(clock, {1: 1.0}, budget=100.0).step_seconds(CONFIG)
        assert clock.now == 6.0
        clock.now = 0.0
        timer(clock, {1: 1.0}, budget=1000.0).step_seconds(CONFIG)
        assert clock.now == 2 + 12
        clock.now = 0.0
        timer(clock, {1: 1.0}, budget=1e6).step_seconds(CONFIG)
        assert clock.now == 2 + 40


def corpus(valid: int | None, test: int | None, *, begin: int | None = None) -> SimpleNamespace:
    texts = [None if length is None else SimpleNamespace(tokens=range(length)) for length in (valid, test)]
    return SimpleNamespace(valid=texts[0], test=texts[1], tokenizer=SimpleNamespace(begin=begin))


def test_the_end_writes_twice_and_reads_both_texts():
    # Short texts after a long training are read in one stream: 0.01 s a symbol.
    assert COSTS.of_finishing(corpus(100, 200), trained_on=1e9) == pytest.approx(1.0 + 3.0)
    assert COSTS.of_finishing(corpus(None, 200), trained_on=1e9) == pytest.approx(1.0 + 2.0)
    assert COSTS.of_finishing(corpus(None, None), trained_on=1e9) == 1.0


def test_records_and_long_texts_are_scored_side_by_side():
    assert COSTS.of_finishing(corpus(100, 200, begin=0), trained_on=1e9) == pytest.approx(1.0 + 0.3)
    assert COSTS.of_finishing(corpus(10**8, None), trained_on=1.0) == pytest.approx(1.0 + 1e5)
