import pytest
import torch

from charlm.api import load
from charlm.checkpointing.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from charlm.config import by_section, make_request
from charlm.errors import CheckpointError, ConfigError, DataError
from charlm.ngrams import counting
from charlm.runs.export.arpa import export_arpa
from charlm.runs.info import describe
from charlm.runs.reporting import SilentReporter, StopRequest
from charlm.runs.train.resume import resume
from charlm.runs.train.start import start


def ngrams(small_request, **settings):
    """The request for a run that counts; sizes and lengths of the others' do not belong in it."""
    data = {"corpus": small_request().config.data.corpus}
    return make_request(
        by_section(data | {"name": "counted", "device": "cpu", "model": "ngram", "order": 4} | settings)
    )


def count(config, workspace, **settings):
    return start(config, workspace, SilentReporter(), StopRequest(), **settings)


@pytest.mark.parametrize("smoothing", ["kneser-ney", "witten-bell"])
def test_a_counted_run_is_scored_loaded_and_sampled_like_any(small_request, workspace, smoothing):
    result = count(ngrams(small_request, smoothing=smoothing), workspace)
    assert result.validation.nats_per_symbol < 0.7 * result.baselines[1].score.nats_per_symbol
    run = load("counted", workspace=workspace.root)
    assert run.sample("the", seed=1, length=50) == run.sample("the", seed=1, length=50)
    text = "the cat sat on the mat. " * 3
    logits, _ = run.model(
        torch.from_numpy(run.tokenizer.encode(text).astype("int64"))[:, None], run.model.initial_state(1)
    )
    assert torch.allclose(logits.exp().sum(-1), torch.ones(len(text), 1), atol=1e-5)
    described = dict(describe("counted", workspace).rows)
    assert described["model"].startswith("n-grams up to order 4")
    assert "steps" not in described


def test_the_same_text_gives_the_same_model(small_request, workspace):
    count(ngrams(small_request), workspace)
    count(ngrams(small_request, name="again"), workspace)
    one, other = (read_checkpoint(workspace.checkpoints / name / "best.safetensors") for name in ("counted", "again"))
    assert one.tensors.keys() == other.tensors.keys()
    assert all(torch.equal(tensor, other.tensors[name]) for name, tensor in one.tensors.items())


def test_records_are_counted_one_by_one(small_request, workspace, text):
    text.write_text(text.read_text().replace(". ", ".\n"))
    result = count(ngrams(small_request, records="lines"), workspace)
    assert load(str(result.run), workspace=workspace.root).sample(seed=1, length=20)


def test_what_only_training_gives_is_refused(small_request, workspace):
    with pytest.raises(ConfigError, match="--steps is for models that are trained"):
        count(ngrams(small_request, steps=5), workspace)
    with pytest.raises(ConfigError, match="--init-from is for networks"):
        count(ngrams(small_request), workspace, init_from="other")
    with pytest.raises(ConfigError, match="--device cuda"):
        count(ngrams(small_request, device="cuda"), workspace)


def test_a_counted_run_is_finished(small_request, workspace):
    count(ngrams(small_request), workspace)
    with pytest.raises(ConfigError, match="'counted' is finished"):
        resume("counted", workspace, SilentReporter(), StopRequest())


def test_an_order_longer_than_the_text_is_refused(small_request, workspace, tmp_path):
    (tmp_path / "short.txt").write_text("abc")
    request = ngrams(small_request, order=9, corpus=(str(tmp_path / "short.txt"),), split="100/0/0")
    with pytest.raises(DataError, match="--order 9 needs a text with stretches as long; this one has 3 symbols"):
        count(request, workspace)
    assert not (workspace.checkpoints / "counted").exists()


def test_int8_weights_and_export_say_which_models_they_are_for(small_request, workspace, tmp_path):
    result = count(ngrams(small_request), workspace)
    with pytest.raises(ConfigError, match=r"^weights int8 is for networks"):
        load(str(result.run), workspace=workspace.root).sample(weights="int8")
    export_arpa("counted", tmp_path / "out.arpa", workspace)
    assert (tmp_path / "out.arpa").read_text().startswith("\\data\\\nngram 1=")
    start(small_request(name="network", steps=1, evaluations=1), workspace, SilentReporter(), StopRequest())
    with pytest.raises(ConfigError, match="'network' is a network"):
        export_arpa("network", tmp_path / "no.arpa", workspace)


def test_a_damaged_count_is_refused(small_request, workspace):
    path = count(ngrams(small_request), workspace).run / "best.safetensors"
    stored = read_checkpoint(path)
    tensors = dict(stored.tensors)
    tensors["model.2.keys"] = tensors["model.2.keys"].flip(0)
    write_checkpoint(path, Checkpoint(tensors, stored.values))
    with pytest.raises(CheckpointError, match="counts of order 2"):
        load("counted", workspace=workspace.root)


def test_counts_that_go_by_the_disk_are_the_same_run_and_leave_nothing(small_request, workspace, monkeypatch):
    count(ngrams(small_request), workspace)
    before = sorted(path.name for path in (workspace.data / "cache").iterdir())
    monkeypatch.setattr(counting, "_BYTES_PER_PLACE", 1 << 16)
    count(ngrams(small_request, name="again", memory="1MB"), workspace)
    one, other = (read_checkpoint(workspace.checkpoints / name / "best.safetensors") for name in ("counted", "again"))
    assert all(torch.equal(tensor, other.tensors[name]) for name, tensor in one.tensors.items())
    assert sorted(path.name for path in (workspace.data / "cache").iterdir()) == before


def test_too_little_memory_is_told(small_request, workspace):
    with pytest.raises(DataError, match=r"different n-grams of the longest kind.*Lower the order, or allow more"):
        count(ngrams(small_request, memory="1KB"), workspace)
    assert not (workspace.checkpoints / "counted").exists()


def test_rare_grams_are_dropped(small_request, workspace):
    every, some = (
        count(ngrams(small_request, name=name, **settings), workspace).parameters
        for name, settings in (("every", {}), ("some", {"prune": 100}))
    )
    assert every > some
    assert load("some", workspace=workspace.root).score("the cat sat").total_nats > 0
    with pytest.raises(DataError, match=r"--prune 1000000 drops all n-grams of 4 symbols: lower it, or use --order 3"):
        count(ngrams(small_request, name="none", prune=1_000_000), workspace)
