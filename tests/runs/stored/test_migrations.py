"""Values of older formats by hand, and what becomes of them."""

from typing import Any

import pytest

from charlm.errors import CheckpointError
from charlm.runs.stored.migrations import FORMAT, MIGRATIONS, migrated

COUNTED: dict[str, Any] = {
    "charlm": "0.1.0",
    "torch": "2.9.0",
    "corpus": {"label": "tale", "digest": "0" * 64, "key": "0" * 32, "split": "90/5/5"},
    "initialized_from": None,
    "step": 1,
    "config": {"model": {"model": "ngram"}},
    "tokenizer": {"kind": "byte"},
}
TRAINED = COUNTED | {
    "length": "what fits in 3m at 8.0 ms a step",
    "choice": "2 x 96 units",
    "training_seconds": 170.5,
    "mix_on_trial": True,
    "trainer": {"step": 1, "pace": [{"first_step": 0, "progress": 0.0, "total_steps": 9}]},
    "progress": {"stale": 0, "rollbacks": [{"from": 8, "to": 4, "rate_factor": 0.5}]},
}


def migrate(**changes: Any) -> dict[str, Any]:
    return migrated(TRAINED | changes, source="old")


def test_what_a_run_was_made_with_becomes_a_group():
    assert migrated(COUNTED, source="old")["provenance"] == {
        "charlm": "0.1.0",
        "torch": "2.9.0",
        "corpus": COUNTED["corpus"],
    }
    assert migrate(initialized_from="first")["provenance"]["initialized_from"] == "first"


def test_a_counted_run_gets_no_plan():
    assert migrated(COUNTED, source="old").keys() == {"provenance", "step", "config", "tokenizer"}


def test_the_reasons_of_a_training_become_its_plan():
    assert migrate()["plan"] == {
        "length": "what fits in 3m at 8.0 ms a step",
        "is_replanned": False,
        "sizes": "2 x 96 units",
        "seconds": 170.5,
        "mix_on_trial": True,
        "is_judged": False,
    }


def test_a_trial_counts_as_judged_once_its_training_had_ended():
    config = {"training": {"steps": 9}}
    assert [migrate(config=config, step=step)["plan"]["is_judged"] for step in (8, 9)] == [False, True]


def test_that_a_run_was_planned_anew_is_taken_out_of_its_sentence():
    plan = migrate(length="what fits in 3m at 8.0 ms a step; planned anew on the way")["plan"]
    assert (plan["length"], plan["is_replanned"]) == ("what fits in 3m at 8.0 ms a step", True)


def test_a_training_from_before_mixes_were_tried_is_on_no_trial():
    values = {key: value for key, value in TRAINED.items() if key != "mix_on_trial"}
    assert migrated(values, source="old")["plan"]["mix_on_trial"] is False


def test_steps_of_rollbacks_and_the_legs_of_a_training_get_their_names():
    later = migrate()
    assert later["progress"]["rollbacks"] == [{"from_step": 8, "to_step": 4, "rate_factor": 0.5}]
    assert later["trainer"] == {"step": 1, "legs": TRAINED["trainer"]["pace"]}


def test_values_of_today_stay_as_they_are():
    later = migrate()
    assert migrated(later | {"format": FORMAT}, source="new") == later


def test_what_is_migrated_is_not_changed_itself():
    before = repr(TRAINED)
    migrate()
    assert repr(TRAINED) == before


@pytest.mark.parametrize("wrong", [None, 7, "x", [], [None], {"rollbacks": 3}, {"rollbacks": [3]}])
@pytest.mark.parametrize("key", ["progress", "trainer", "length", "corpus", "mix_on_trial"])
def test_what_no_format_has_is_left_to_the_schema(key, wrong):
    assert isinstance(migrate(**{key: wrong}), dict)


def test_a_newer_format_asks_for_a_newer_charlm():
    with pytest.raises(CheckpointError, match=rf"'new' has format {FORMAT + 1}, .* use a newer charlm\."):
        migrated({"format": FORMAT + 1}, source="new")


@pytest.mark.parametrize("number", [0, -1, True, "x", 1.0, None, [], "a" * 10_000], ids=lambda each: repr(each)[:9])
def test_what_is_no_number_of_a_format_is_refused(number):
    with pytest.raises(CheckpointError) as caught:
        migrated({"format": number}, source="odd")
    assert len(str(caught.value)) < 200


def test_there_is_a_step_to_each_format_but_the_first():
    assert len(MIGRATIONS) == FORMAT - 1


def test_the_best_loss_of_older_states_is_marked_as_without_the_charge_for_unknown_characters():
    assert migrate()["progress"]["charges_unknown"] is False
    assert migrated({"format": 2, "progress": {"best_nats": 1.5}}, source="here")["progress"] == {
        "best_nats": 1.5,
        "charges_unknown": False,
    }
    assert migrated({"format": FORMAT, "progress": {}}, source="here")["progress"] == {}
