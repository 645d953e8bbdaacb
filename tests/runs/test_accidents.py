"""Accidents from outside while a run trains: its folder is moved, its name used again, files of two runs are mixed."""

import shutil

import pytest
import torch

from charlm.checkpointing.checkpoint import read_checkpoint
from charlm.checkpointing.run_folder import RunFolder
from charlm.errors import CheckpointError, ConfigError
from charlm.models.mixture import NETWORK_ALONE
from charlm.runs.reporting import SilentReporter, StopRequest
from charlm.runs.stored.state import open_state
from charlm.runs.train import finish as finish_module
from charlm.runs.train import start as start_module
from charlm.runs.train.resume import resume
from charlm.runs.train.start import start
from charlm.runs.verify import verify_run
from tests.support.reporters import KilledError
from tests.support.training_runs import train_whole


def kill(*_):
    raise KilledError


class AfterStep(SilentReporter):
    """Does something once, after a step."""

    def __init__(self, step, action):
        self.at = step
        self.action = action

    def step(self, report):
        if report.step == self.at:
            self.action()


def test_a_run_whose_settings_are_removed_while_it_trains_keeps_its_states(small_request, workspace):
    folder = workspace.checkpoints / "mine"

    def interrupt():
        (folder / "config.toml").unlink()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        start(small_request(name="mine"), workspace, AfterStep(6, interrupt), StopRequest())
    assert resume("mine", workspace, SilentReporter(), StopRequest()).steps == 12


def test_a_finished_run_without_its_settings_is_not_taken_over(small_request, workspace):
    run = train_whole(small_request(name="mine", keep=0), workspace).run
    (run / "config.toml").unlink()
    before = (run / "best.safetensors").read_bytes()
    with pytest.raises(CheckpointError, match="exists already"):
        train_whole(small_request(name="mine"), workspace)
    assert (run / "best.safetensors").read_bytes() == before


@pytest.mark.parametrize("again", [False, True], ids=["removed", "its name used again"])
def test_a_training_whose_folder_is_removed_keeps_its_state_elsewhere(small_request, workspace, again):
    folder = workspace.checkpoints / "mine"

    def remove():
        shutil.rmtree(folder)
        if again:
            train_whole(small_request(name="mine", steps=2, evaluations=1), workspace)

    with pytest.raises(CheckpointError, match=r"was removed, moved or replaced .*--resume mine-rescued"):
        start(small_request(name="mine"), workspace, AfterStep(5, remove), StopRequest())
    if again:
        assert read_checkpoint(folder / "last.safetensors").values["step"] == 2
    rescued = resume("mine-rescued", workspace, SilentReporter(), StopRequest())
    assert rescued.steps == 12
    assert rescued.validation is not None


def test_a_state_beside_files_of_another_run_is_refused(small_request, workspace):
    one = train_whole(small_request(name="one", keep=2), workspace).run
    other = train_whole(small_request(name="other", seed=2, steps=20), workspace).run
    (state,) = one.glob("step-4.safetensors")
    shutil.copy(state, other / state.name)
    before = {path.name: path.read_bytes() for path in other.iterdir()}
    with pytest.raises(CheckpointError, match="are of two runs"):
        resume(str(other / state.name), workspace, SilentReporter(), StopRequest())
    assert {path.name: path.read_bytes() for path in other.iterdir()} == before


def test_verify_compares_the_files_of_a_run_with_one_another(small_request, workspace):
    one, other = (train_whole(small_request(name=name, keep=0, seed=3), workspace).run for name in ("one", "other"))
    assert verify_run("one", workspace).is_whole

    def problem_with(name, content):
        before = (one / name).read_bytes()
        (one / name).write_bytes(content)
        problems = {each.file: each.problem for each in verify_run("one", workspace).files if each.problem}
        (one / name).write_bytes(before)
        return problems

    config = (one / "config.toml").read_bytes()
    assert (
        "hidden_size is 9, the checkpoints say 8"
        in problem_with("config.toml", config.replace(b"hidden_size = 8", b"hidden_size = 9"))["config.toml"]
    )
    assert "is not the tokenizer" in problem_with("tokenizer.json", b'{"kind": "byte"}')["tokenizer.json"]
    foreign = problem_with("best.safetensors", (other / "best.safetensors").read_bytes())
    assert "is of another run" in foreign["best.safetensors"]


def test_verify_names_a_command_that_works_for_a_finished_run_with_a_damaged_model(small_request, workspace):
    run = train_whole(small_request(name="mine"), workspace).run
    (run / "best.safetensors").write_bytes(b"damaged")
    assert verify_run("mine", workspace).usable == ("charlm train --resume mine --steps 500",)
    assert resume("mine", workspace, SilentReporter(), StopRequest(), overrides={"steps": 24}).validation is not None


def on_trial(monkeypatch, *, helps):
    """Puts every mix on trial, with a verdict that is known beforehand."""
    monkeypatch.setattr(
        start_module, "choose_mix", lambda config, corpus: (config, config.model.mixed_order is not None)
    )
    monkeypatch.setattr(finish_module, "_helps", lambda parts: NETWORK_ALONE in parts and helps)


@pytest.mark.parametrize("helps", [True, False])
def test_a_mix_on_trial_that_was_not_judged_is_judged_on_going_on(small_request, workspace, monkeypatch, helps):
    on_trial(monkeypatch, helps=helps)
    with monkeypatch.context() as patch:
        patch.setattr(finish_module, "_score_best", kill)
        with pytest.raises(KilledError):
            train_whole(small_request(name="mine", mix="ngram:3"), workspace)
    assert not open_state(workspace.checkpoints / "mine" / "last.safetensors").record.is_finished
    judged = resume("mine", workspace, SilentReporter(), StopRequest())
    whole = train_whole(small_request(name="whole", mix="ngram:3"), workspace)
    assert judged.validation == whole.validation
    for name in ("mine", "whole"):
        record = open_state(workspace.checkpoints / name / "last.safetensors").record
        assert record.is_finished
        assert record.config.model.mixed_order == (3 if helps else None)
        assert RunFolder(workspace.checkpoints / name).read_config().model.mixed_order == (3 if helps else None)
        assert verify_run(name, workspace).is_whole
        with pytest.raises(ConfigError, match="is finished"):
            resume(name, workspace, SilentReporter(), StopRequest())


# Without clipping, which looks at the gate's gradients, too, a network is trained as it would be alone.
@pytest.mark.parametrize("settings", [{"clip_norm": 0}, {"clip_norm": 0, "average": 0.9, "cell": "gru"}])
def test_a_mixture_that_lost_its_trial_goes_on_as_the_network_alone_would(
    small_request, workspace, monkeypatch, settings
):
    on_trial(monkeypatch, helps=False)
    train_whole(small_request(name="lost", mix="ngram:3", **settings), workspace)
    alone = train_whole(small_request(name="alone", mix="none", **settings), workspace)
    lost, other = (open_state(workspace.checkpoints / name / "last.safetensors") for name in ("lost", "alone"))
    assert lost.tensors.keys() == other.tensors.keys()
    assert all(torch.equal(tensor, other.tensors[name]) for name, tensor in lost.tensors.items())
    longer = resume("lost", workspace, SilentReporter(), StopRequest(), overrides={"steps": 20})
    assert longer.validation.nats_per_symbol <= alone.validation.nats_per_symbol + 0.1
    assert verify_run("lost", workspace).is_whole
