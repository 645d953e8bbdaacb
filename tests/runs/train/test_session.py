from contextlib import AbstractContextManager, nullcontext

import pytest

from charlm.errors import NotFiniteError
from charlm.runs.info import describe
from charlm.runs.reporting import EvaluationReport, LossPoint, SilentReporter, StopRequest, TrainingSummary
from charlm.runs.train.resume import resume
from charlm.runs.train.start import start
from tests.support.reporters import StopAfter
from tests.support.training_runs import metrics_without_times


class Losses(SilentReporter):
    """Keeps summaries, evaluations and the points of the curves."""

    def __init__(self) -> None:
        self.summaries: list[TrainingSummary] = []
        self.evaluations: list[EvaluationReport] = []
        self.points: list[LossPoint] = []

    def training(self, summary: TrainingSummary) -> AbstractContextManager[None]:
        self.summaries.append(summary)
        return nullcontext()

    def evaluation(self, report: EvaluationReport) -> None:
        self.evaluations.append(report)

    def losses(self, point: LossPoint) -> None:
        self.points.append(point)


def test_the_networks_validation_score_is_reported_and_stored_beside_the_mixtures(small_request, workspace):
    reports = Losses()
    result = start(small_request(name="mixed", mix="ngram:4"), workspace, reports, StopRequest())
    assert reports.summaries[0].is_mixed and reports.summaries[0].seconds_left is None
    best = [each for each in reports.evaluations if each.is_best][-1]
    told = {each.name: each.score for each in result.baselines if each.split == "validation"}
    assert best.network.nats_per_symbol == pytest.approx(told["network alone"].nats_per_symbol, rel=1e-4)
    assert best.score.nats_per_symbol < best.network.nats_per_symbol
    scored = [line for line in metrics_without_times(result.run) if "validation" in line]
    assert [line["validation_network"] for line in scored] == [each.network.to_json() for each in reports.evaluations]
    assert [point.network for point in describe("mixed", workspace).history] == [
        each.network.nats_per_symbol for each in reports.evaluations
    ]
    assert scored[-1]["validation"] == reports.evaluations[-1].score.to_json()


def test_a_network_alone_has_one_score(small_request, workspace):
    reports = Losses()
    result = start(small_request(name="plain"), workspace, reports, StopRequest())
    assert not reports.summaries[0].is_mixed
    assert all(each.network is None for each in reports.evaluations)
    assert not any("validation_network" in line for line in metrics_without_times(result.run))


def test_a_training_that_diverges_ends_with_what_to_try(small_request, workspace):
    with pytest.raises(NotFiniteError, match=r"^After step \d+, .* not finite; .* Try a lower --learning-rate"):
        start(small_request(learning_rate=1e30, clip_norm=1e30), workspace, SilentReporter(), StopRequest())


def test_a_resumed_run_knows_the_points_before(small_request, workspace):
    whole, rest, stop = Losses(), Losses(), StopRequest()
    start(small_request(name="whole", mix="ngram:4"), workspace, whole, StopRequest())
    start(small_request(name="halted", mix="ngram:4"), workspace, StopAfter(stop, 5), stop)
    resume("halted", workspace, rest, StopRequest())
    assert list(whole.summaries[0].history) == []
    assert [*rest.summaries[0].history, *rest.points] == whole.points
    assert [point.share for point in whole.points] == [pytest.approx(step / 12) for step in range(1, 13)]
