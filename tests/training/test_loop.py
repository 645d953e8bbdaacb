import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from types import SimpleNamespace

import pytest

from charlm.errors import NotFiniteError
from charlm.evaluation.score import Score
from charlm.training.loop import Plan, Progress, train
from charlm.training.pace import Pace
from charlm.training.trainer import StepResult


class CountingTrainer:
    """Takes no real steps; step n costs n nats over two targets, or `cost`, and once what `spikes` says."""

    def __init__(self, total_steps: int = 20, lag: int = 0, *, cost: float | None = None, spikes=None) -> None:
        self.cost = cost
        self.spikes = spikes or {}
        self.step = self.seen = 0
        self.lag = lag
        self.pace = Pace(total_steps)
        self.average = self.sharing = None
        self.num_shareable = 0
        self.num_clipped = self.num_skipped = 0
        self.batches = SimpleNamespace(windows_per_epoch=10)

    def launch_step(self, *, may_share: bool = False) -> None:
        self.step += 1
        self.num_shareable += may_share

    def results(self, *, wait: bool = False) -> Iterator[StepResult]:
        """The results are late by up to `lag` steps."""
        while self.seen < (self.step if wait else self.step - self.lag):
            self.seen += 1
            cost = self.spikes.pop(self.seen, self.cost or float(self.seen))
            if math.isnan(cost):
                raise NotFiniteError("not finite")
            yield StepResult(self.seen, cost, 2, 0.1, 1.0, False, False)


@dataclass
class Recorder:
    losses: list[float]
    stop_after: int = 10**9
    saves: list[int] = field(default_factory=list)
    bests: list[bool] = field(default_factory=list)
    means: list[float | None] = field(default_factory=list)
    lines: list[dict] = field(default_factory=list)
    steps: int = 0

    def after_step(self, result):
        self.steps += 1

    def validate(self):
        return Score(self.losses.pop(0) * 10, 10, 10, 10)

    def after_evaluation(self, score, *, training_nats, is_best):
        self.bests.append(is_best)
        self.means.append(training_nats)

    def record(self, metrics):
        self.lines.append(metrics)

    def save(self):
        self.saves.append(self.steps)

    def stop_requested(self):
        return self.steps >= self.stop_after


def plan(**settings):
    return Plan(**({"evaluations": 4, "patience": None, "save_seconds": 1e9} | settings))


def run(recorder, progress=None, total_steps=20, lag=0, **settings):
    trainer = CountingTrainer(total_steps, lag)
    return train(trainer, plan(**settings), progress or Progress(), recorder, clock=lambda: 0.0)


def test_evaluations_are_evenly_spaced_and_the_last_is_at_the_end():
    recorder = Recorder([4.0, 3.0, 3.5, 2.0])
    assert run(recorder) == "finished"
    assert recorder.saves == [5, 10, 15, 20]
    assert recorder.bests == [True, True, False, True]
    assert recorder.means == [1.5, 4.0, 6.5, 9.0]


def test_patience_ends_a_training_that_gets_no_better():
    recorder = Recorder([3.0, 3.1, 3.2, 1.0])
    assert run(recorder, patience=2) == "stopped early"
    assert recorder.steps == 15
    assert recorder.saves[-1] == 15


def test_a_request_to_stop_saves_after_the_step():
    recorder = Recorder([3.0] * 4, stop_after=7)
    assert run(recorder) == "interrupted"
    assert recorder.saves == [5, 7]


def test_a_request_at_the_last_step_is_the_end():
    assert run(Recorder([3.0] * 4, stop_after=20)) == "finished"


def test_a_loss_that_is_not_a_number_is_never_the_best():
    recorder = Recorder([float("nan"), 3.0, float("nan"), 2.0])
    progress = Progress()
    run(recorder, progress)
    assert recorder.bests == [False, True, False, True]
    assert (progress.best_nats, progress.best_step) == (2.0, 20)


@pytest.mark.parametrize("lag", [0, 3, 1000])
def test_every_step_is_in_exactly_one_line_of_metrics(lag):
    recorder = Recorder([3.0] * 4)
    run(recorder, total_steps=400, lag=lag)
    assert [line["step"] for line in recorder.lines] == list(range(4, 401, 4))
    assert recorder.lines[0]["training_nats_per_symbol"] == pytest.approx((1 + 2 + 3 + 4) / 8)
    assert sum("validation" in line for line in recorder.lines) == 4


def test_checkpoints_are_never_further_apart_than_asked():
    recorder = Recorder([3.0])
    ticks = iter(range(10_000))
    train(
        CountingTrainer(),
        plan(evaluations=1, save_seconds=5),
        Progress(),
        recorder,
        clock=lambda: float(next(ticks)),
    )
    assert len(recorder.saves) > 3


class Rewinder(Recorder):
    """Goes back to the last save, as a run does, and counts how often."""

    def attach(self, trainer, progress):
        self.trainer, self.progress, self.kept = trainer, progress, (0, asdict(progress))
        return self

    def save(self):
        super().save()
        self.kept = (self.trainer.step, asdict(self.progress))

    def roll_back(self):
        rollbacks = [*self.progress.rollbacks, {"from": self.trainer.step, "to": self.kept[0]}]
        vars(self.progress).update(self.kept[1] | {"rollbacks": rollbacks})
        self.trainer.step = self.trainer.seen = self.kept[0]


def run_with_spike(spikes, **settings):
    trainer, progress = CountingTrainer(cost=2.0, spikes=spikes), Progress()
    recorder = Rewinder([3.0] * 8).attach(trainer, progress)
    outcome = train(trainer, plan(**settings), progress, recorder, clock=lambda: 0.0)
    return outcome, progress, recorder


def test_a_spike_takes_the_training_back_to_the_last_state():
    outcome, progress, recorder = run_with_spike({8: 3.0}, rollbacks=1)
    assert outcome == "finished"
    assert progress.rollbacks == [{"from": 8, "to": 5}]
    assert [line["step"] for line in recorder.lines] == [1, 2, 3, 4, 5, 6, 7, *range(6, 21)]
    assert recorder.kept[0] == 20


@pytest.mark.parametrize(("cost", "rollbacks"), [(2.5, 0), (2.7, 1)])
def test_a_spike_is_a_loss_a_third_above_the_lowest(cost, rollbacks):
    _, progress, _ = run_with_spike({8: cost}, rollbacks=1)
    assert len(progress.rollbacks) == rollbacks


def test_without_rollbacks_a_spike_is_only_a_spike():
    outcome, progress, _ = run_with_spike({8: 9.0})
    assert (outcome, progress.rollbacks) == ("finished", [])


def test_steps_that_are_not_finite_take_it_back_too_and_end_it_when_no_rollback_is_left():
    outcome, progress, _ = run_with_spike({8: float("nan")}, rollbacks=1)
    assert (outcome, progress.rollbacks) == ("finished", [{"from": 8, "to": 5}])
    with pytest.raises(NotFiniteError):
        run_with_spike({8: float("nan")})


def test_a_spike_is_never_saved():
    _, progress, recorder = run_with_spike({10: 9.0}, rollbacks=1)
    assert progress.rollbacks == [{"from": 10, "to": 5}]
    assert all(line["training_nats_per_symbol"] == 1.0 for line in recorder.lines)


class SlowingTrainer(CountingTrainer):
    """Steps that take a second each, later two."""

    now = 0.0

    def launch_step(self, *, may_share: bool = False) -> None:
        super().launch_step(may_share=may_share)
        self.now += 1.0 if self.step <= 100 else 2.0


def test_a_training_with_a_budget_ends_on_time_when_it_gets_slower():
    trainer, recorder = SlowingTrainer(300), Recorder([3.0] * 5)
    limits = plan(evaluations=5, seconds=300.0)
    assert train(trainer, limits, Progress(), recorder, clock=lambda: trainer.now) == "finished"
    # After 100 steps 200 s are left, for 100 steps of 2 s.
    assert trainer.now == pytest.approx(300.0, abs=2.0)
    assert trainer.step == pytest.approx(200, abs=2)
    # The last 15 s, of 2 s a step, have no time for a slow one.
    assert trainer.num_shareable == pytest.approx(trainer.step - 7, abs=2)
    assert len(recorder.bests) == 5
