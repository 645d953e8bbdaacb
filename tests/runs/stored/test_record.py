"""Whatever a checkpoint says, with a right checksum: it is what charlm stores, or refused in a sentence."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from charlm.checkpointing.checkpoint import Checkpoint
from charlm.cli.app import run
from charlm.errors import CheckpointError, ConfigError
from charlm.runs.info import describe
from charlm.runs.reporting import SilentReporter, StopRequest
from charlm.runs.stored.model import read_model_file
from charlm.runs.stored.record import ModelRecord, StateRecord, read_record
from charlm.runs.stored.state import open_state
from charlm.runs.stored.workspace import Workspace
from charlm.runs.train.resume import resume
from tests.support.forged_runs import (
    KINDS,
    MODEL_FILE,
    OF_MODELS,
    OF_STATES,
    STATE_FILE,
    all_forgeries,
    forged_tensors,
    forged_values,
    make_run,
    plant,
    read_both,
    write_forged,
)

RECORDS: dict[str, type[ModelRecord] | type[StateRecord]] = {MODEL_FILE: ModelRecord, STATE_FILE: StateRecord}
LONGEST_SENTENCE = 1000
SOUND_TENSORS = (" more", " full of 1e+38", " full of 99", "step as one number")
"""Ends of the names of forgeries that no look at numbers, shapes and types tells from what charlm stores."""
RESTORED_LATER = ("optimizer.", "rng.dropout", "state.")
"""What else is compared when a training goes on: the optimizer's moments, the generator and the n-grams' contexts."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory):
    """A function from a kind to the folder in which such a run was made."""
    folders: dict[str, Path] = {}

    def make(kind: str) -> Path:
        if kind not in folders:
            folder = folders[kind] = tmp_path_factory.mktemp(kind)
            with pytest.MonkeyPatch.context() as patch:
                patch.chdir(folder)
                make_run(kind, folder)
        return folders[kind]

    return make


def quickly(*kinds: str) -> list[Any]:
    """Returns all kinds of runs; those that are not named are for `make test-all`."""
    return [kind if kind in kinds else pytest.param(kind, marks=pytest.mark.slow) for kind in KINDS]


def run_of(folder: Path) -> Path:
    return folder / "checkpoints" / "one"


def assert_says(record: ModelRecord | StateRecord, values: Mapping[str, Any]) -> None:
    """Asserts that a record has all of the values that it was read from, unchanged."""
    known = {key: value for key, value in values.items() if key in type(record).model_fields}
    assert_within(known, record.to_values())


def assert_within(part: Any, whole: Any) -> None:
    if isinstance(part, dict):
        for key, each in part.items():
            if each is not None:
                assert_within(each, whole[key])
    else:
        assert (float(part) if isinstance(whole, float) else part) == whole
        assert isinstance(part, bool) == isinstance(whole, bool)


def assert_is_sentence(told: str) -> None:
    assert "\n" not in told
    assert len(told) < LONGEST_SENTENCE


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_stored_is_read_and_stored_again_as_it_was(kind, made):
    for file, stored in read_both(run_of(made(kind))).items():
        assert read_record(RECORDS[file], stored.values, source=file).to_values() == stored.values


@pytest.mark.parametrize("kind", quickly("lstm", "ngram"))
def test_each_value_is_read_as_it_is_or_refused_in_a_sentence(kind, made):
    for file, stored in read_both(run_of(made(kind))).items():
        for forgery in forged_values(stored, of=RECORDS[file]):
            try:
                record = read_record(RECORDS[file], forgery.values, source="forged")
            except CheckpointError as error:
                assert_is_sentence(str(error))
            else:
                assert_says(record, forgery.values)


@pytest.mark.parametrize("kind", quickly("mlp", "ngram"))
def test_each_tensor_is_of_its_type_and_shape_and_in_range_or_refused_in_a_sentence(kind, made, tmp_path):
    path = tmp_path / "forged"
    for file, stored in read_both(run_of(made(kind))).items():
        for forgery in forged_tensors(stored):
            try:
                write_forged(path, forgery)
                if file == STATE_FILE:
                    open_state(path)
                else:
                    read_model_file(path, name="forged")
            except CheckpointError as error:
                assert_is_sentence(str(error))
            else:
                is_counted = ".ngrams." in forgery.name or kind == "ngram"  # For the n-gram model to check.
                is_later = file == STATE_FILE and forgery.name.startswith(RESTORED_LATER)
                is_unread = file == MODEL_FILE and not forgery.name.startswith(("model.", "corpus."))
                assert is_counted or is_later or is_unread or forgery.name.endswith(SOUND_TENSORS), forgery.name


def attack(command: str, forgery: str, capsys: pytest.CaptureFixture[str]) -> int:
    """Returns with what code a command ends; if it fails, with one sentence."""
    code = run(command.split())
    told = capsys.readouterr().err
    assert code in (0, 1, 2), (forgery, command)
    if code and not command.startswith("verify"):
        assert len([line for line in told.splitlines() if line.startswith("Error")]) == 1, (forgery, command, told)
        assert len(told) < 2 * LONGEST_SENTENCE, (forgery, command)
    return code


@pytest.mark.parametrize("kind", quickly("lstm", "mixed", "mlp", "ngram"))
def test_commands_refuse_forgeries_in_a_sentence(kind, made, tmp_path, monkeypatch, capsys):
    """Of a few dozen forgeries, one command each; `make torture` runs every command on every forgery."""
    monkeypatch.chdir(tmp_path)
    for file, stored in read_both(run_of(made(kind))).items():
        commands = OF_MODELS if file == MODEL_FILE else OF_STATES
        forgeries = list(all_forgeries(file, stored))
        for number, forgery in enumerate(forgeries[:: len(forgeries) // 20]):
            plant(forgery, file, tmp_path, pristine=made(kind))
            attack(commands[number % len(commands)], forgery.name, capsys)


FOUND = (
    "config.model.mix is ngram:4",
    "config.run.precision is auto",
    "config.training.evaluations is 10^400",
    "plan.mix_on_trial is true",
    "plan.seconds is 1e308",
    "rng.dropout full of 255",
    "state.0 full of 99",
    "state.1 full of 99",
    "state.1 full of -2",
    "optimizer.0.exp_avg of torch.bfloat16",
    "optimizer.0.exp_avg_sq full of nan",
    "tokenizer is zero",
    "tokenizer is byte",
    "trainer.legs is late",
    "trainer.legs is backwards",
    "trainer.loss_scale is huge",
)


@pytest.mark.parametrize("kind", ["mixed", "mlp"])
def test_what_once_ended_in_a_traceback_is_refused(kind, made, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    pristine = made(kind)
    stored = read_both(run_of(pristine))[STATE_FILE]
    tried = 0
    for forgery in all_forgeries(STATE_FILE, stored):
        carried = forgery.tensors.get(forgery.name.partition(" ")[0])
        is_number = forgery.name.startswith("state.") and carried is not None and carried.is_floating_point()
        if forgery.name in FOUND and not is_number and (kind == "mlp" or "trial" not in forgery.name):
            tried += 1
            plant(forgery, STATE_FILE, tmp_path, pristine=pristine)
            assert run(["train", "--resume", "one", "--quiet"]) == 1, forgery.name
            assert capsys.readouterr().err.startswith("Error: "), forgery.name
    assert tried > 10


def state_of(folder: Path, *, done: int = 4, steps: int = 8, patience: int | None = None, stale: int = 0) -> Checkpoint:
    """The state of an LSTM with other values."""
    stored = read_both(run_of(folder))[STATE_FILE]
    values = dict(stored.values)
    training = {key: value for key, value in values["config"]["training"].items() if key != "patience"}
    training |= {"steps": steps} | ({} if patience is None else {"patience": patience})
    values["config"] = values["config"] | {"training": training}
    values["step"] = done
    values["trainer"] = values["trainer"] | {
        "step": done,
        "legs": [{"first_step": 0, "progress": 0.0, "total_steps": steps}],
    }
    values["progress"] = values["progress"] | {"stale": stale}
    return Checkpoint(stored.tensors, values)


@pytest.mark.parametrize(
    ("facts", "is_finished", "stopped_early"),
    [
        ({"done": 4}, False, False),
        ({"done": 0}, False, False),
        ({"done": 8}, True, False),
        ({"done": 9}, True, False),
        ({"stale": 99}, False, False),
        ({"patience": 3, "stale": 2}, False, False),
        ({"patience": 3, "stale": 3}, True, True),
        ({"patience": 3, "stale": 4}, True, True),
        ({"done": 8, "patience": 3, "stale": 3}, True, True),
    ],
)
def test_a_training_is_finished_when_done_or_when_it_no_longer_improves(
    facts, is_finished, stopped_early, made, tmp_path
):
    pristine = made("lstm")
    state = state_of(pristine, **facts)
    record = read_record(StateRecord, state.values, source="state")
    assert (record.is_finished, record.stopped_early) == (is_finished, stopped_early)
    shutil.copytree(pristine, tmp_path, dirs_exist_ok=True)
    write_forged(run_of(tmp_path) / STATE_FILE, state)
    workspace = Workspace(tmp_path)
    assert describe("one", workspace).facts["finished"] == is_finished
    if is_finished:
        how = "it stopped early" if stopped_early else "steps"
        with pytest.raises(ConfigError, match=f"is finished: .*{how}"):
            resume("one", workspace, SilentReporter(), StopRequest())
