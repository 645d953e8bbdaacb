import math
from dataclasses import dataclass, field

import pytest

from charlm.cli.settings import run_request
from charlm.config import Request, TuningConfig
from charlm.errors import CharlmError, CheckpointError, ConfigError
from charlm.evaluation.score import Score
from charlm.notation import Mix
from charlm.runs.compare.running import Trained
from charlm.runs.compare.tuning import tune
from charlm.runs.reporting import EvaluationReport, SilentReporter, StepReport, StopRequest
from charlm.runs.stored.record import TrainingPlan
from charlm.runs.train.settings import with_default_dropout, with_defaults_of_width, with_settings

pytest.importorskip("optuna")

OPEN = {"hidden_size", "embedding_size", "batch_size", "sequence_length", "steps", "evaluations"}


def plan(request, workspace, reporter, *, cache):
    config = with_defaults_of_width(
        with_settings(request.config, mix=Mix(8), mixing="log-linear", steps=100, budget=None)
    )
    return with_default_dropout(config, epochs=3.0, symbols=10**9), TrainingPlan(length="what fits", seconds=3.0)


class Lines(SilentReporter):
    """Keeps which runs were trained, and what came of trials."""

    def __init__(self):
        self.runs = []
        self.over_rows = []

    def upcoming(self, run, rows, *, total):
        self.runs.append(run)

    def over(self, row):
        self.over_rows.append(row)


@dataclass
class Trainings:
    """Trainings whose result follows from their settings: the nearer the rate is to 0.02, the better."""

    stop_in: str = ""
    fails: tuple[str, ...] = ()
    error: type[CharlmError] = CharlmError
    seen: list = field(default_factory=list)

    def __call__(self, name, request, corpus, workspace, reporter, stop):
        training, seed = request.config.training, request.config.run.seed
        self.seen.append((name, training.learning_rate, seed))
        if name in self.fails:
            raise self.error(f"{name} cannot be trained.")
        bits = 2.0 + math.log((training.learning_rate or 0.05) / 0.02) ** 2 + 0.001 * seed
        for step in range(1, 5):
            reporter.step(StepReport(step, 1.0, 0.1, 1.0, 0.0, 0, 1.0, 4, step / 4))
            if name == self.stop_in and step == 2:
                stop.requested = True
            score = Score(
                total_nats=(bits + 1.0 - step / 4) * math.log(2), num_symbols=1, num_characters=1, num_bytes=1
            )
            reporter.evaluation(EvaluationReport(step, 1.0, score, True, ""))
            if stop.requested or stop.is_pruned:
                return None
        return Trained(hidden_size=8, parameters=100, steps=4, seconds=1.5, bits={"validation": bits, "test": bits})


@pytest.fixture
def search(small_request, workspace):
    """A function that searches with trainings whose results are known."""

    def run(trainings=None, *, name="s", stop=None, reporter=None, searches=None, held=None, **settings):
        request = small_request(name=name, **(held or {}))
        asked = request.asked - OPEN
        config = with_settings(request.config, steps=None, embedding_size=None)
        return tune(
            TuningConfig(**{"trials": 6, "trial_budget": "4s", "confirm_seeds": 0} | settings),
            Request(config, asked),
            workspace,
            reporter or Lines(),
            stop or StopRequest(),
            searches=searches,
            plan=plan,
            train=trainings or Trainings(),
        )

    return run


def test_the_first_trial_is_what_charlm_chooses_and_the_best_is_never_worse(search):
    trainings = Trainings()
    _, findings = search(trainings, trials=8)
    assert [name for name, _, _ in trainings.seen] == [f"trial-{number:03d}" for number in range(8)]
    assert (
        findings.usual.bits
        >= findings.best.bits
        == min(each.bits for each in findings.trials if each.state == "finished")
    )
    assert findings.gain == findings.usual.bits - findings.best.bits
    assert findings.to_json()["best"] == findings.best.number
    assert {each.state for each in findings.trials} <= {"finished", "pruned"}


def test_the_best_settings_are_a_file_for_train(search, workspace, text):
    folder, findings = search(held={"beta1": 0.7})
    assert folder.best.read_text().startswith("# Found by charlm tune: trial-00")
    request = run_request(text=(), flags={}, file=folder.best)
    best = findings.best.settings
    assert request.config.data.corpus == (str(text),)
    assert request.config.training.learning_rate == best["learning_rate"]
    assert request.config.model.hidden_size == best["hidden_size"]
    assert (request.config.training.budget, request.config.training.beta1) == ("4s", 0.7)
    assert "name" not in request.asked


def test_a_search_that_was_stopped_goes_on_with_the_trial_it_was_at(search):
    stop, lines = StopRequest(), Lines()
    _, findings = search(Trainings(stop_in="trial-002"), stop=stop, reporter=lines)
    assert lines.runs == ["trial-000", "trial-001", "trial-002"]
    assert lines.over_rows[-1].state == "stopped"
    assert [each.state for each in findings.trials].count("finished") == 2
    trainings = Trainings()
    _, findings = search(trainings)
    assert [name for name, _, _ in trainings.seen] == [f"trial-{number:03d}" for number in range(2, 6)]
    assert len(findings.trials) == 6
    trainings = Trainings()
    assert search(trainings)[1] == findings
    assert trainings.seen == []


def test_a_stopped_trial_keeps_its_settings_and_a_whole_search_draws_the_same(search):
    whole, halted = Trainings(), Trainings(stop_in="trial-004")
    search(whole, name="whole")
    search(halted, name="halted", stop=StopRequest())
    going_on = Trainings()
    search(going_on, name="halted")
    assert [*halted.seen, *going_on.seen[1:]] == whole.seen
    assert going_on.seen[0] == halted.seen[-1]


def test_there_may_be_more_trials_later(search):
    search(trials=2)
    trainings = Trainings()
    search(trainings, trials=4)
    assert [name for name, _, _ in trainings.seen] == ["trial-002", "trial-003"]


def test_bad_trials_are_given_up_when_they_are_behind_the_others(search):
    lines = Lines()
    _, findings = search(trials=14, reporter=lines)
    pruned = [each for each in lines.over_rows if each.state == "pruned"]
    assert pruned
    assert all(each.share in (0.5, 0.75) and each.number >= 4 for each in pruned)
    assert all(each.bits > findings.best.bits for each in pruned)


def test_a_trial_that_fails_is_told_of_and_the_others_go_on(search):
    _, findings = search(Trainings(fails=("trial-001",)), trials=3)
    (failed,) = [each for each in findings.trials if each.state == "failed"]
    assert (failed.number, failed.error) == (1, "trial-001 cannot be trained.")
    assert findings.trials[-1] == failed


def test_a_trial_that_cannot_be_written_is_taken_up_again(search):
    with pytest.raises(CheckpointError, match="trial-001 cannot be trained"):
        search(Trainings(fails=("trial-001",), error=CheckpointError), trials=3)
    _, findings = search(trials=3)
    assert [each.state for each in findings.trials] == ["finished"] * 3


def test_where_all_fail_there_is_no_best(search):
    folder, findings = search(Trainings(fails=("trial-000", "trial-001")), trials=2)
    assert findings.best is findings.gain is None
    assert not folder.best.exists()


def test_further_seeds_show_how_much_was_luck(search):
    trainings = Trainings()
    _, findings = search(trainings, confirm_seeds=2)
    numbers = sorted({findings.trials[0].number, 0})
    repeated = [name for name, _, _ in trainings.seen[6:]]
    assert repeated == [f"trial-{number:03d}-seed-{seed}" for number in numbers for seed in (2, 3)]
    for each in findings.repeated:
        assert each.bits == pytest.approx((each.bits[0], each.bits[0] + 0.001, each.bits[0] + 0.002))
        assert each.spread == pytest.approx(0.001)
    first, best = findings.repeated
    assert findings.gain == pytest.approx(first.mean - best.mean)


def test_only_what_nobody_asked_for_is_searched(search):
    _, findings = search(held={"learning_rate": 0.03, "cell": "gru"}, trials=3)
    assert all(not {"learning_rate", "cell"} & each.settings.keys() for each in findings.trials)


def test_another_space_may_be_given(search):
    space = {"training": {"learning_rate": [0.01, 0.02]}}
    trainings = Trainings()
    search(trainings, searches=("'space.toml'", space))
    assert {rate for _, rate, _ in trainings.seen[1:]} <= {0.01, 0.02, trainings.seen[0][1], None}
    with pytest.raises(CheckpointError, match="begun with another space"):
        search()


def test_a_study_of_another_text_or_with_other_settings_is_refused(search, workspace):
    search(trials=1)
    with pytest.raises(CheckpointError, match="The study 's' was begun with another trial-budget"):
        search(trial_budget="5s")
    with pytest.raises(CheckpointError, match=r"begun with another setting of beta1 \(none, not 0.7\)"):
        search(held={"beta1": 0.7})
    (workspace.root / "tale.txt").write_text("another tale. " * 200)
    with pytest.raises(CheckpointError, match="The study 's' was begun with another text"):
        search()


def test_a_folder_that_is_no_study_is_refused(search, workspace):
    (workspace.checkpoints / "s").mkdir(parents=True)
    (workspace.checkpoints / "s" / "thesis.txt").write_text("mine")
    with pytest.raises(CheckpointError, match="exists and is no study; choose another --name"):
        search()


@pytest.mark.parametrize(
    ("held", "message"),
    [
        ({"corpus": ("-",)}, "stdin"),
        ({"model": "ngram"}, "counted in one go"),
        ({"epochs": 2.0}, "training.epochs is given"),
        ({"split": "100/0/0"}, "needs a validation text"),
    ],
)
def test_what_cannot_be_searched_is_refused_before_anything_is_written(small_request, workspace, held, message):
    request = small_request(steps=None)
    request = Request(with_settings(request.config, **held), request.asked)
    with pytest.raises(ConfigError, match=message):
        tune(TuningConfig(), request, workspace, Lines(), StopRequest())
    assert not workspace.checkpoints.exists()


def test_a_budget_without_time_to_train_is_refused_and_leaves_nothing(small_request, workspace):
    config = with_settings(small_request(steps=1).config, steps=None)
    request = Request(config, frozenset({"hidden_size", "batch_size", "sequence_length"}))
    with pytest.raises(ConfigError, match=r"--trial-budget 0.01s is over before training can begin on this text"):
        tune(TuningConfig(trial_budget="0.01s"), request, workspace, Lines(), StopRequest())
    assert list(workspace.checkpoints.iterdir()) == []


@pytest.mark.parametrize("name", ["study.json", "journal.jsonl"])
def test_a_damaged_study_is_named(search, workspace, name):
    search(trials=1)
    file = workspace.checkpoints / "s" / name
    file.write_bytes(b"{broken\n" + file.read_bytes())
    with pytest.raises(CheckpointError, match=f"{name}' is damaged"):
        search()


def test_a_line_that_a_killed_process_left_unfinished_is_taken_away(search, workspace):
    search(trials=2)
    journal = workspace.checkpoints / "s" / "journal.jsonl"
    whole = journal.read_bytes()
    journal.write_bytes(whole + whole.splitlines()[-1][:20])
    _, findings = search(trials=3)
    assert [each.state for each in findings.trials] == ["finished"] * 3
    assert journal.read_bytes().startswith(whole)
