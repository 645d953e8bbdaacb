import pytest

from charlm.errors import CheckpointError
from charlm.runs.compare.study import Study

pytest.importorskip("optuna")

USUAL = {"rate": 1.0, "cell": "lstm"}


def draw(by):
    return {"cell": by.choice("cell", ("lstm", "gru")), "rate": by.number("rate", 0.5, 2.0, log=True)}


@pytest.fixture
def study(tmp_path):
    return Study(tmp_path, seed=1)


def take(study, *, total=5):
    return study.take(total=total, usual=USUAL, draw=draw)


def test_the_first_trial_has_the_usual_settings_and_the_others_differ(study):
    taken = [take(study) for _ in range(5)]
    assert [each.number for each in taken] == [0, 1, 2, 3, 4]
    assert taken[0].settings == USUAL
    assert len({each.settings["rate"] for each in taken}) == 5
    assert take(study) is None


def test_two_processes_share_the_trials_and_take_up_what_one_left_behind(study, tmp_path):
    other = Study(tmp_path, seed=1)
    mine, others = take(study), take(other)
    assert (mine.number, others.number) == (0, 1)
    assert [each.state for each in study.rows()] == ["training", "training"]
    settings = others.settings
    others.put_back()
    assert [each.state for each in study.rows()] == ["training", "stopped"]
    taken_up = take(study)
    assert (taken_up.number, taken_up.settings) == (1, settings)


def test_results_are_kept_in_the_file(study, tmp_path):
    first, second, third = (take(study) for _ in range(3))
    first.report(0.5, 2.5, evaluated=0.5)
    first.report(0.5, 9.0, evaluated=0.5)
    first.finish(2.0, seconds=3.0)
    second.report(0.25, 4.0, evaluated=0.5)
    second.prune()
    third.fail("There is no memory.")
    rows = Study(tmp_path, seed=2).rows()
    assert [(each.state, each.bits, each.share) for each in rows] == [
        ("finished", 2.0, 1.0),
        ("pruned", 4.0, 0.25),
        ("failed", None, 0.0),
    ]
    assert (rows[0].seconds, rows[2].error) == (3.0, "There is no memory.")
    assert study.finished_points(0.5) == [{0.5: 2.5}]


def test_the_first_trial_is_never_given_up(study):
    first = take(study, total=9)
    for bits in (2.0, 2.1, 2.2, 2.3):
        trial = take(study, total=9)
        trial.report(0.5, bits, evaluated=0.5)
        trial.report(1.0, bits, evaluated=0.5)
        trial.finish(bits, seconds=1.0)
    late = take(study, total=9)
    assert late.is_behind(0.5, 3.0, evaluated=0.6)
    # Another part of the text may be easier.
    assert not late.is_behind(0.5, 3.0, evaluated=1.0)
    assert not first.is_behind(0.5, 3.0, evaluated=0.5)


def test_a_trial_of_which_nothing_was_drawn_yet_is_drawn_when_it_is_taken_up(study):
    def killed(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        study.take(total=2, usual=USUAL, draw=killed)
    assert take(study, total=1).settings == USUAL


@pytest.mark.parametrize(
    "act",
    [
        lambda study, trial: trial.report(0.5, 2.5, evaluated=0.5),
        lambda study, trial: trial.finish(2.0, seconds=3.0),
        lambda study, trial: trial.prune(),
        lambda study, trial: trial.fail("There is no memory."),
        lambda study, trial: take(study),
    ],
    ids=["report", "finish", "prune", "fail", "take"],
)
def test_a_file_that_is_damaged_or_gone_in_the_middle_is_told_in_a_sentence(study, tmp_path, act):
    trial, journal = take(study), tmp_path / "journal.jsonl"
    with journal.open("a") as file:
        file.write("nonsense\n")
    with pytest.raises(CheckpointError, match=r"journal.jsonl' is damaged; put it back"):
        act(study, trial)
    journal.unlink()
    with pytest.raises(CheckpointError, match=r"journal.jsonl' (cannot be read or written: No such file|is damaged)"):
        act(study, trial)
