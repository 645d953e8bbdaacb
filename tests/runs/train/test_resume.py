import pytest
import torch

from charlm.checkpointing.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from charlm.errors import CheckpointError, ConfigError, DataError
from charlm.runs.reporting import SilentReporter, StopRequest
from charlm.runs.train import finish
from charlm.runs.train.resume import resume
from charlm.runs.train.start import start
from tests.support.reporters import CrashAfter, KilledError, StopAfter
from tests.support.training_runs import assert_same_end, train_whole

SETTINGS = [
    {},
    {"dropout": 0.2, "average": 0.9, "random_length": True},
    {"cell": "gru", "accumulation": 2, "tie_weights": True, "embedding_size": 8, "layer_norm": True},
    {"cell": "rnn", "tokenizer": "byte", "clip_value": 0.1},
    {
        "weight_drop": 0.3,
        "average_after": 1,
        "evaluations": 12,
        "learning_rate": 3.0,
        "warmup_steps": 0,
        "lane_groups": 2,
    },
]


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("step", [1, 6, 11])
def test_interrupted_and_resumed_ends_bit_identical_to_uninterrupted(small_request, workspace, settings, step):
    whole = train_whole(small_request(name="whole", **settings), workspace)
    stop = StopRequest()
    halted = start(small_request(name="halted", **settings), workspace, StopAfter(stop, step), stop)
    assert halted.interrupted
    assert halted.steps == step
    resumed = resume("halted", workspace, SilentReporter(), StopRequest())
    assert resumed.steps == 12
    assert resumed.validation == whole.validation
    assert_same_end(whole.run, resumed.run)


@pytest.mark.parametrize("step", [1, 4, 7, 12])
def test_killed_and_resumed_ends_bit_identical_to_uninterrupted(small_request, workspace, step):
    whole = train_whole(small_request(name="whole"), workspace)
    with pytest.raises(KilledError):
        start(small_request(name="killed"), workspace, CrashAfter(step), StopRequest())
    resume("killed", workspace, SilentReporter(), StopRequest())
    assert_same_end(whole.run, workspace.checkpoints / "killed")


@pytest.mark.parametrize("split", ["80/10/10", "80/0/20", "100/0/0"])
def test_killed_between_the_last_step_and_the_final_scores_it_is_scored_on_resuming(
    small_request, workspace, monkeypatch, split
):
    whole = train_whole(small_request(name="whole", split=split), workspace)
    with monkeypatch.context() as patch, pytest.raises(KilledError):
        patch.setattr(finish, "store_scores", _killed)
        start(small_request(name="killed", split=split), workspace, SilentReporter(), StopRequest())
    resumed = resume("killed", workspace, SilentReporter(), StopRequest())
    assert (resumed.validation, resumed.test) == (whole.validation, whole.test)
    assert_same_end(whole.run, resumed.run)
    with pytest.raises(ConfigError, match="is finished"):
        resume("killed", workspace, SilentReporter(), StopRequest())


def _killed(*_, **__):
    raise KilledError


@pytest.mark.skipif(not torch.ops.mkldnn._is_mkldnn_bf16_supported(), reason="oneDNN has no bfloat16 on this processor")
def test_bfloat16_resumes_bit_identical_too(small_request, workspace):
    whole = train_whole(small_request(name="whole", precision="bf16"), workspace)
    stop = StopRequest()
    start(small_request(name="halted", precision="bf16"), workspace, StopAfter(stop, 5), stop)
    resume("halted", workspace, SilentReporter(), StopRequest())
    assert_same_end(whole.run, workspace.checkpoints / "halted")


def test_a_finished_run_says_so_and_can_be_lengthened(small_request, workspace):
    train_whole(small_request(name="short"), workspace)
    with pytest.raises(ConfigError, match="finished"):
        resume("short", workspace, SilentReporter(), StopRequest())
    result = resume("short", workspace, SilentReporter(), StopRequest(), overrides={"steps": 20})
    assert (result.steps, result.total_steps) == (20, 20)
    assert "steps = 20" in (result.run / "config.toml").read_text()


def test_a_longer_training_evaluates_on_the_share_that_its_best_loss_is_of(small_request, workspace):
    path = train_whole(small_request(name="short"), workspace).run / "last.safetensors"
    stored = read_checkpoint(path)
    values = dict(stored.values)
    values["plan"] = values["plan"] | {"evaluated_share": 0.25}
    write_checkpoint(path, Checkpoint(stored.tensors, values))
    resume("short", workspace, SilentReporter(), StopRequest(), overrides={"steps": 20})
    assert read_checkpoint(path).values["plan"]["evaluated_share"] == 0.25


def test_a_changed_text_is_refused_on_resuming(small_request, workspace, text):
    stop = StopRequest()
    start(small_request(name="halted"), workspace, StopAfter(stop, 3), stop)
    text.write_text(text.read_text() + "more")
    with pytest.raises(DataError, match="has changed"):
        resume("halted", workspace, SilentReporter(), StopRequest())


def test_a_text_that_is_gone_is_resumed_from_the_cache(small_request, workspace, text):
    stop = StopRequest()
    start(small_request(name="halted"), workspace, StopAfter(stop, 3), stop)
    text.unlink()
    assert resume("halted", workspace, SilentReporter(), StopRequest()).steps == 12


def test_a_lost_cache_is_made_again_on_resuming(small_request, workspace):
    whole = train_whole(small_request(name="whole"), workspace)
    stop = StopRequest()
    start(small_request(name="halted"), workspace, StopAfter(stop, 3), stop)
    for path in sorted((workspace.data / "cache").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    resumed = resume("halted", workspace, SilentReporter(), StopRequest())
    assert resumed.validation == whole.validation


def test_an_unknown_run_is_refused_and_the_known_ones_named(small_request, workspace):
    train_whole(small_request(name="mine", steps=1, evaluations=1), workspace)
    with pytest.raises(CheckpointError, match="there are: mine"):
        resume("other", workspace, SilentReporter(), StopRequest())


def test_a_moved_run_goes_on(small_request, workspace, tmp_path):
    stop = StopRequest()
    halted = start(small_request(name="halted"), workspace, StopAfter(stop, 3), stop)
    moved = halted.run.rename(tmp_path / "elsewhere")
    assert resume(str(moved), workspace, SilentReporter(), StopRequest()).steps == 12
