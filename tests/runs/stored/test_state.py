"""What is left of a run when some of its files are damaged, and how it goes on from that."""

import json
import shutil

import pytest
import torch

from charlm.checkpointing.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from charlm.data.corpus import open_cached
from charlm.errors import CheckpointError, ConfigError, NotFiniteError
from charlm.runs.reporting import SilentReporter, StopRequest
from charlm.runs.stored.model import read_model
from charlm.runs.train.resume import resume
from charlm.runs.train.start import start
from charlm.runs.verify import verify_run
from charlm.training.trainer import Trainer
from tests.support.reporters import RecordingReporter


def trained(small_request, workspace, **settings):
    return start(small_request(name="one", **settings), workspace, SilentReporter(), StopRequest()).run


def gone_on(workspace, run="one", reporter=None, **overrides):
    return resume(str(run), workspace, reporter or SilentReporter(), StopRequest(), overrides=overrides)


def flip(path, place=0.7):
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= 1
    path.write_bytes(content)


def weights_of(path):
    return {name: tensor for name, tensor in read_checkpoint(path).tensors.items() if name.startswith("model.")}


def test_as_many_states_are_kept_as_was_asked_for(small_request, workspace):
    run = trained(small_request, workspace, steps=12, evaluations=6, keep=3)
    assert sorted(path.name for path in run.glob("step-*")) == [f"step-{n}.safetensors" for n in (10, 6, 8)]
    assert [read_checkpoint(run / f"step-{n}.safetensors").values["step"] for n in (6, 8, 10)] == [6, 8, 10]


def test_going_on_from_an_older_state_ends_where_the_run_ended(small_request, workspace):
    run = trained(small_request, workspace, dropout=0.2, keep=2)
    before = weights_of(run / "last.safetensors")
    metrics = [{**json.loads(line), "seconds": 0} for line in (run / "metrics.jsonl").read_text().splitlines()]
    flip(run / "last.safetensors")
    flip(run / "best.safetensors")
    with pytest.raises(CheckpointError) as caught:
        gone_on(workspace)
    assert str(caught.value).endswith(f"go on from it with: charlm train --resume {run / 'step-8.safetensors'}")
    flip(run / "step-8.safetensors")
    with pytest.raises(CheckpointError, match=r"newest intact state is '.*step-4.safetensors'"):
        gone_on(workspace)
    gone_on(workspace, run / "step-4.safetensors")
    after = weights_of(run / "last.safetensors")
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert metrics == [{**json.loads(line), "seconds": 0} for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert verify_run("one", workspace).is_whole


def test_where_only_the_best_model_is_left_it_is_named(small_request, workspace):
    run = trained(small_request, workspace, keep=0)
    flip(run / "last.safetensors")
    with pytest.raises(CheckpointError, match="start a new run with --init-from"):
        gone_on(workspace)
    flip(run / "best.safetensors")
    with pytest.raises(CheckpointError, match="Nothing of this run can be used"):
        gone_on(workspace)


def test_a_damaged_best_model_is_made_anew_on_going_on(small_request, workspace):
    run = trained(small_request, workspace)
    flip(run / "best.safetensors")
    told = RecordingReporter()
    gone_on(workspace, reporter=told, steps=16)
    assert any("best.safetensors' is damaged or gone" in warning for warning in told.warnings)
    assert read_model("one", workspace).record.step > 12


def test_damaged_settings_and_metrics_are_mended_on_going_on(small_request, workspace):
    run = trained(small_request, workspace)
    (run / "config.toml").write_bytes(b"\0\0\0")
    lines = (run / "metrics.jsonl").read_bytes().splitlines(keepends=True)
    (run / "metrics.jsonl").write_bytes(b"".join([lines[0], b"{torn\n", *lines[1:], b'{"step": 13']))
    told = RecordingReporter()
    gone_on(workspace, reporter=told, steps=16)
    assert any(warning.startswith("1 damaged lines") for warning in told.warnings)
    assert verify_run("one", workspace).is_whole


def test_changed_metrics_are_told_of_on_going_on_and_kept(small_request, workspace):
    metrics = trained(small_request, workspace) / "metrics.jsonl"
    lines = metrics.read_text().splitlines(keepends=True)
    metrics.write_text("".join(lines[1:]))
    told = RecordingReporter()
    gone_on(workspace, reporter=told, steps=16)
    assert told.warnings == [f"Lines of '{metrics}' were changed or removed; those that are there are kept."]
    assert metrics.read_text().splitlines(keepends=True)[: len(lines) - 1] == lines[1:]
    assert verify_run("one", workspace).is_whole


def test_a_run_that_is_moved_goes_on(small_request, workspace):
    run = trained(small_request, workspace)
    moved = workspace.root / "elsewhere" / "renamed"
    moved.parent.mkdir()
    shutil.move(run, moved)
    assert gone_on(workspace, moved, steps=16).steps == 16
    assert not run.exists()


def test_a_finished_run_says_so_and_can_be_made_longer(small_request, workspace):
    run = trained(small_request, workspace)
    with pytest.raises(ConfigError, match=r"is finished: it has done 12 of 12 steps.*--steps 500"):
        gone_on(workspace)
    gone_on(workspace, steps=14)
    assert read_checkpoint(run / "last.safetensors").values["config"]["training"]["steps"] == 14
    assert "steps = 14" in (run / "config.toml").read_text()


def test_a_state_with_the_settings_of_a_giant_is_refused_before_it_is_built(small_request, workspace):
    run = trained(small_request, workspace)
    for name in ("last.safetensors", "best.safetensors"):
        stored = read_checkpoint(run / name)
        model = stored.values["config"]["model"] | {"hidden_size": 16384, "num_layers": 64}
        config = stored.values["config"] | {"model": model}
        write_checkpoint(run / name, Checkpoint(stored.tensors, {**stored.values, "config": config}))
    with pytest.raises(CheckpointError, match="do not fit the settings they are stored with"):
        gone_on(workspace)
    assert not verify_run("one", workspace).is_whole


@pytest.mark.parametrize("missing", ["optimizer.0.exp_avg", "state.0", "rng.dropout", "corpus.symbol_counts"])
def test_a_state_without_a_tensor_is_refused_in_a_sentence(small_request, workspace, missing):
    run = trained(small_request, workspace)
    stored = read_checkpoint(run / "last.safetensors")
    tensors = {name: tensor for name, tensor in stored.tensors.items() if name != missing}
    write_checkpoint(run / "last.safetensors", Checkpoint(tensors, stored.values))
    with pytest.raises(CheckpointError, match=r"cannot be resumed|do not fit"):
        gone_on(workspace, steps=16)


def test_weights_that_are_not_finite_are_never_saved(small_request, workspace, monkeypatch):
    launch = Trainer.launch_step

    def launch_and_break(trainer, **given):
        launch(trainer, **given)
        if trainer.step == 6:
            with torch.no_grad():
                trainer.parameters[0].view(-1)[0] = float("nan")

    monkeypatch.setattr(Trainer, "launch_step", launch_and_break)
    with pytest.raises(NotFiniteError, match="last good checkpoint is kept"):
        trained(small_request, workspace)
    run = workspace.checkpoints / "one"
    assert verify_run("one", workspace).is_whole
    assert read_checkpoint(run / "last.safetensors").values["step"] == 4
    monkeypatch.setattr(Trainer, "launch_step", launch)
    whole = start(small_request(name="whole"), workspace, SilentReporter(), StopRequest())
    gone_on(workspace)
    ends = [weights_of(each / "last.safetensors") for each in (run, whole.run)]
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])


def test_a_rollback_goes_on_from_the_last_state_with_half_the_rate_and_is_recorded(
    small_request, workspace, monkeypatch
):
    launch = Trainer.launch_step
    breaks = [6]

    def launch_and_break(trainer, **given):
        launch(trainer, **given)
        if [trainer.step] == breaks:
            breaks.clear()
            with torch.no_grad():
                trainer.parameters[0].view(-1)[0] = float("nan")

    monkeypatch.setattr(Trainer, "launch_step", launch_and_break)
    run = trained(small_request, workspace, rollbacks=2)
    last = read_checkpoint(run / "last.safetensors").values
    assert last["progress"]["rollbacks"] == [{"from_step": 8, "to_step": 4, "rate_factor": 0.5}]
    assert last["trainer"]["rate_factor"] == 0.5
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(1, 13))
    assert [line["rollbacks"] for line in lines] == [0] * 4 + [1] * 8
    assert lines[4]["learning_rate"] < 0.55 * lines[3]["learning_rate"]
    assert verify_run("one", workspace).is_whole


def test_a_second_process_is_refused(small_request, workspace):
    class Meddler(SilentReporter):
        def evaluation(self, report):
            with pytest.raises(CheckpointError, match="in use by another charlm"):
                gone_on(workspace)

    start(small_request(name="one"), workspace, Meddler(), StopRequest())


def test_a_key_that_leads_out_of_the_cache_is_not_followed(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    assert open_cached(tmp_path / "data", "../../elsewhere") is None
