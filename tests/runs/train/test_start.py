import math
import os
import random

import pytest
import torch

from charlm.checkpointing.checkpoint import read_checkpoint
from charlm.errors import CheckpointError, ConfigError, DataError
from charlm.runs.reporting import SilentReporter, StopRequest
from charlm.runs.stored.record import section
from charlm.runs.stored.workspace import Workspace
from charlm.runs.train.resume import resume
from charlm.runs.train.start import start
from tests.support.reporters import RecordingReporter, StopAfter
from tests.support.training_runs import assert_same_end, metrics_without_times, train_whole


def test_the_same_seed_trains_the_same_model_and_another_seed_another(small_request, workspace):
    one, other = (train_whole(small_request(name=name), workspace) for name in ("one", "two"))
    assert_same_end(one.run, other.run)
    third = train_whole(small_request(name="three", seed=2), workspace)
    assert third.validation != one.validation


def test_a_sorted_text_is_noted_and_a_shuffled_one_not(small_request, workspace, tmp_path):
    lines = [name * 3 + "\n" for name in ("abra", "odeo", "irit") for _ in range(300)]
    notes = []
    for name, ordered in (("sorted", lines), ("shuffled", random.Random(1).sample(lines, k=len(lines)))):
        (tmp_path / f"{name}.txt").write_text("".join(ordered))
        reporter = RecordingReporter()
        request = small_request(name=name, corpus=(str(tmp_path / f"{name}.txt"),), records="lines")
        start(request, workspace, reporter, StopRequest())
        notes.append("".join(reporter.notes))
    assert "made of clearly other characters than the training part" in notes[0]
    assert "shuf TEXT > shuffled.txt" in notes[0]
    assert notes[1] == ""


def test_a_second_run_of_a_text_says_that_there_is_a_first(small_request, workspace):
    notes = []
    for _ in range(2):
        reporter = RecordingReporter()
        result = start(small_request(steps=1), workspace, reporter, StopRequest())
        notes.append(" ".join(reporter.notes))
    assert result.name == "tale-2" and "tale" not in notes[0]
    assert "There is a run 'tale' already; this one gets another name." in notes[1]
    assert notes[1].endswith("charlm train --resume tale")


def test_training_learns(small_request, workspace):
    result = train_whole(small_request(steps=150, hidden_size=24), workspace)
    unigram = next(b for b in result.baselines if (b.name, b.split) == ("unigram", "validation"))
    assert result.validation.bits_per_character < 0.75 * unigram.score.bits_per_character


def test_a_run_folder_holds_all_files_and_nothing_else(small_request, workspace):
    result = train_whole(small_request(), workspace)
    names = {path.name for path in result.run.iterdir()}
    assert names == {
        ".lock",
        "config.toml",
        "tokenizer.json",
        "metrics.jsonl",
        "best.safetensors",
        "last.safetensors",
        "step-8.safetensors",
    }


def test_both_checkpoints_name_the_models_tensors_alike(small_request, workspace):
    result = train_whole(small_request(), workspace)
    best, last = (read_checkpoint(result.run / name) for name in ("best.safetensors", "last.safetensors"))
    assert section(best.tensors, "model").keys() == section(last.tensors, "model").keys()
    assert len(section(best.tensors, "model")) > 0


def test_float16_is_refused_on_a_cpu(small_request, workspace):
    with pytest.raises(ConfigError, match="--precision fp16 is for CUDA devices, not for cpu"):
        train_whole(small_request(precision="fp16"), workspace)
    assert not workspace.checkpoints.exists()


def test_epochs_are_passes_over_the_text(small_request, workspace):
    result = train_whole(small_request(steps=None, epochs=0.5), workspace)
    lines = metrics_without_times(result.run)
    assert lines[-1]["epoch"] == pytest.approx(0.5, abs=0.02)


def test_a_budget_is_stored_as_a_number_of_steps(small_request, workspace):
    result = train_whole(small_request(steps=None, budget="1s"), workspace)
    config = (result.run / "config.toml").read_text()
    assert f"steps = {result.total_steps}" in config
    assert "budget =" not in config


def test_without_a_validation_text_the_newest_weights_are_kept(small_request, workspace):
    result = train_whole(small_request(split="100/0/0"), workspace)
    assert result.validation is None
    best, last = (read_checkpoint(result.run / name) for name in ("best.safetensors", "last.safetensors"))
    assert all(
        torch.equal(tensor, section(last.tensors, "model")[name])
        for name, tensor in section(best.tensors, "model").items()
    )


def test_the_best_model_is_the_average_where_there_is_one(small_request, workspace):
    result = train_whole(small_request(average=0.9, evaluations=1), workspace)
    best, last = (read_checkpoint(result.run / name) for name in ("best.safetensors", "last.safetensors"))
    averaged, raw = section(last.tensors, "average"), section(last.tensors, "model")
    assert averaged.keys() == raw.keys()
    for name, tensor in section(best.tensors, "model").items():
        assert torch.equal(tensor, averaged[name])
        assert not torch.equal(tensor, raw[name])


def test_a_triggered_average_is_kept_and_evaluated_once_the_loss_has_risen(small_request, workspace):
    request = small_request(average_after=1, steps=40, evaluations=40, learning_rate=0.3, final_learning_rate=1.0)
    result = train_whole(request, workspace)
    last = read_checkpoint(result.run / "last.safetensors")
    values = last.values["trainer"]
    assert values["trigger"]["has_fired"] and 1 < values["num_averaged"] < 40
    averaged, raw = section(last.tensors, "average"), section(last.tensors, "model")
    assert not any(torch.equal(tensor, raw[name]) for name, tensor in averaged.items())


def test_a_triggered_average_needs_a_validation_text(small_request, workspace):
    with pytest.raises(ConfigError, match="--average-after needs a validation text"):
        train_whole(small_request(average_after=1, split="100/0/0"), workspace)


def test_the_learning_rate_of_each_step_is_that_of_the_schedule(small_request, workspace):
    config = small_request(steps=20, warmup_steps=2, learning_rate=0.01, final_learning_rate=0.1)
    rates = [line["learning_rate"] for line in metrics_without_times(train_whole(config, workspace).run)]
    cosine = [0.01 * (0.1 + 0.45 * (1 + math.cos(math.pi * step / 20))) for step in range(20)]
    assert rates == pytest.approx([cosine[0] / 3, cosine[1] * 2 / 3, *cosine[2:]])


def test_early_stopping_keeps_the_best(small_request, workspace):
    result = train_whole(small_request(steps=400, evaluations=40, patience=2, learning_rate=0.2), workspace)
    assert result.stopped_early
    assert result.steps < 400


def test_a_taken_name_is_refused_and_the_run_left_alone(small_request, workspace):
    result = train_whole(small_request(name="mine"), workspace)
    before = {path.name: path.read_bytes() for path in result.run.iterdir()}
    with pytest.raises(CheckpointError, match="'mine' exists already"):
        train_whole(small_request(name="mine"), workspace)
    assert {path.name: path.read_bytes() for path in result.run.iterdir()} == before


def test_runs_without_a_name_are_numbered(small_request, workspace):
    names = [train_whole(small_request(steps=1, evaluations=1), workspace).name for _ in range(3)]
    assert names == ["tale", "tale-2", "tale-3"]


def test_a_damaged_checkpoint_is_refused_in_a_sentence(small_request, workspace):
    result = train_whole(small_request(name="mine"), workspace)
    path = result.run / "last.safetensors"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(CheckpointError, match=r"last\.safetensors"):
        resume("mine", workspace, SilentReporter(), StopRequest())


def test_too_short_a_text_leaves_nothing_behind(small_request, workspace, text):
    text.write_text("x")
    with pytest.raises(DataError):
        train_whole(small_request(), workspace)
    assert not workspace.checkpoints.exists()


def test_records_train_and_score_with_their_ends_charged(small_request, workspace, tmp_path):
    names = tmp_path / "names.txt"
    names.write_text("".join(f"{name}\n" for name in ["anna", "bob", "carla", "dan", "eve"] * 40))
    result = train_whole(small_request(corpus=(str(names),), records="lines", name="names"), workspace)
    assert result.test.num_ends == 10
    assert result.test.num_characters == sum(len(n) + 1 for n in ["anna", "bob", "carla", "dan", "eve"] * 2)


def test_separate_files_are_each_a_part(small_request, workspace, tmp_path, text):
    (tmp_path / "v.txt").write_text("the cat. " * 20)
    (tmp_path / "t.txt").write_text("the dog. " * 30)
    config = small_request(valid=(str(tmp_path / "v.txt"),), test=(str(tmp_path / "t.txt"),))
    result = train_whole(config, workspace)
    assert (result.validation.num_characters, result.test.num_characters) == (179, 269)


def test_a_step_out_of_memory_is_explained(small_request, workspace, monkeypatch):
    from charlm.errors import TrainingError
    from charlm.training.trainer import Trainer

    def fail(self, **_):
        raise RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(Trainer, "launch_step", fail)
    with pytest.raises(TrainingError, match="--batch-size"):
        train_whole(small_request(), workspace)


def test_another_workspace_is_not_touched(small_request, tmp_path, workspace):
    train_whole(small_request(steps=1, evaluations=1), workspace)
    assert {path.name for path in tmp_path.iterdir()} == {"tale.txt", "data", "checkpoints"}
    assert not list(Workspace(tmp_path / "other").checkpoints.glob("*"))


def test_a_run_whose_first_checkpoint_cannot_be_written_leaves_nothing(small_request, workspace, monkeypatch):
    from charlm.runs.train import session

    def fail(*_):
        raise CheckpointError("Cannot write: No space left on device.")

    monkeypatch.setattr(session, "write_checkpoint", fail)
    with pytest.raises(CheckpointError, match="No space left"):
        train_whole(small_request(name="mine"), workspace)
    assert list(workspace.checkpoints.iterdir()) == []


def test_a_full_disk_later_on_keeps_the_last_checkpoint(small_request, workspace, monkeypatch):
    stop = StopRequest()
    start(small_request(name="mine"), workspace, StopAfter(stop, 5), stop)
    before = read_checkpoint(workspace.checkpoints / "mine" / "last.safetensors")

    def fail(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(CheckpointError, match="No space left"):
        resume("mine", workspace, SilentReporter(), StopRequest())
    monkeypatch.undo()
    after = read_checkpoint(workspace.checkpoints / "mine" / "last.safetensors")
    assert after.values == before.values
    assert resume("mine", workspace, SilentReporter(), StopRequest()).steps == 12
