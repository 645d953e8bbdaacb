import pytest
import torch

from charlm.api import load
from charlm.checkpointing.checkpoint import read_checkpoint
from charlm.errors import CheckpointError, ConfigError, DataError
from charlm.runs.info import describe
from charlm.runs.reporting import SilentReporter, StopRequest
from charlm.runs.stored.model import read_model
from charlm.runs.train.finish import train_to_the_end
from charlm.runs.train.mixing import choose_mix
from charlm.runs.train.resume import resume
from charlm.runs.train.start import start
from tests.support.reporters import RecordingReporter, StopAfter
from tests.support.training_runs import train_whole


def test_a_mixed_run_is_scored_with_its_parts_loaded_and_sampled(small_request, workspace):
    result = train_whole(small_request(name="mixed", mix="ngram:4"), workspace)
    told = {each.name: each.score.nats_per_symbol for each in result.baselines if each.split == "validation"}
    assert result.part == "mixture" and "mixture" not in told
    assert result.validation.nats_per_symbol < min(told["network alone"], 1.02 * told["n-grams alone"])
    run = load("mixed", workspace=workspace.root)
    assert len(run.sample(seed=1, length=30)) == 30
    assert run.score("the cat sat on the mat. " * 5).bits_per_character < 1


def test_a_mixed_run_goes_on_bit_for_bit(small_request, workspace):
    whole = train_whole(small_request(name="whole", mix="ngram:4", dropout=0.1), workspace).run
    stop = StopRequest()
    start(small_request(name="halted", mix="ngram:4", dropout=0.1), workspace, StopAfter(stop, 5), stop)
    halted = resume("halted", workspace, SilentReporter(), StopRequest()).run
    one, other = (read_checkpoint(run / "last.safetensors").tensors for run in (whole, halted))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_the_network_of_a_mixed_run_is_fine_tuned(small_request, workspace):
    train_whole(small_request(name="mixed", mix="ngram:4"), workspace)
    result = train_whole(small_request(name="tuned", steps=2, evaluations=1), workspace, init_from="mixed")
    assert load("tuned", workspace=workspace.root).config.model.mixed_order is None
    assert result.steps == 2


def test_records_are_mixed_with_n_grams_of_records(small_request, workspace, text):
    text.write_text(text.read_text().replace(". ", ".\n"))
    result = train_whole(small_request(name="lines", records="lines", mix="ngram:3"), workspace)
    assert load(str(result.run), workspace=workspace.root).sample(seed=1, length=20)


def test_only_a_budget_with_a_validation_text_mixes_by_itself(small_request, workspace):
    from charlm.data.corpus import prepare_corpus
    from charlm.data.inputs import open_corpus
    from charlm.data.tokenizers.build import learnt

    def corpus_of(config):
        text = open_corpus(config.data, folder=workspace.data, stdin=None)
        recipe = learnt(config.tokenizer, records=False)
        return prepare_corpus(
            text, folder=workspace.data, recipe=recipe, records=False, progress=SilentReporter().progress
        )

    def mix_of(**settings):
        config = small_request(**settings).config
        settled, on_trial = choose_mix(config, corpus_of(config))
        return str(settled.model.mix), on_trial

    assert mix_of() == ("none", False)
    assert mix_of(steps=None, budget="1m") == ("ngram:8", True)
    assert mix_of(steps=None, budget="1m", mix="none") == ("none", False)
    assert mix_of(steps=None, budget="1m", mix="ngram:3") == ("ngram:3", False)
    assert mix_of(steps=None, budget="1m", split="100/0/0") == ("none", False)


def test_a_mix_that_nobody_asked_for_is_left_out_where_it_does_not_fit_into_the_memory(small_request, workspace):
    small = {"memory": "1KB", "steps": None, "evaluations": 2}
    result = train_whole(small_request(name="plain", budget="1m", hidden_size=8, **small), workspace, started=0.0)
    assert result.part is None
    with pytest.raises(DataError, match="more with --memory"):
        train_whole(small_request(name="mixed", mix="ngram:4", memory="1KB"), workspace)


def test_a_mix_on_trial_that_does_not_help_is_dropped(small_request, workspace, monkeypatch):
    from charlm.runs.train import start as training

    def settle(config, corpus):
        return config, True

    def spoil(run):
        # The gate is made to trust the n-grams alone, and the n-grams to know nothing.
        model = run.trainer.model
        with torch.no_grad():
            model.gate.output.weight.zero_()
            model.gate.output.bias.fill_(-20.0)
            for parameter in model.gate.parameters():
                parameter.requires_grad_(False)
        run.trainer.parameters = [each for each in model.parameters() if each.requires_grad]
        run.trainer.optimizer.zero_grad()
        for level in model.ngrams.levels:
            level.seen[:] = 0.0
            level.backoff[:] = 1.0
        model.ngrams.of_empty_context[:] = 1 / model.vocabulary_size
        return train_to_the_end(run)

    monkeypatch.setattr(training, "choose_mix", settle)
    monkeypatch.setattr(training, "train_to_the_end", spoil)
    config = small_request(name="spoilt", mix="ngram:3", steps=200, learning_rate=0.05, weight_decay=0.0)
    result = train_whole(config, workspace)
    told = {each.name: each.score for each in result.baselines if each.split == "validation"}
    assert result.validation == told["network alone"]
    assert result.part == "network alone"
    assert told["mixture"].total_nats >= told["network alone"].total_nats
    run = load("spoilt", workspace=workspace.root)
    assert run.config.model.mixed_order is None
    assert not any(name.startswith("gate") for name in run.model.state_dict())


@pytest.mark.parametrize("mix", ["ngram", "ngram:0", "ngram:25", "unigram:3"])
def test_a_mix_that_makes_no_sense_is_refused(small_request, mix):
    with pytest.raises(ConfigError, match="none or ngram:K"):
        small_request(mix=mix)


def test_mixing_is_for_networks_and_for_texts_long_enough(small_request, workspace, tmp_path):
    with pytest.raises(ConfigError, match=r"mix is for model.model recurrent"):
        small_request(model="ngram", mix="ngram:3", hidden_size=192, embedding_size=None)
    (tmp_path / "short.txt").write_text("abcdefgh")
    config = small_request(corpus=(str(tmp_path / "short.txt"),), split="100/0/0", mix="ngram:20")
    with pytest.raises(DataError, match="--mix ngram:20 needs a text"):
        train_whole(config, workspace)


def test_a_mixed_run_has_no_arpa_form(small_request, workspace, tmp_path):
    from charlm.runs.export.arpa import export_arpa

    train_whole(small_request(name="mixed", mix="ngram:4"), workspace)
    with pytest.raises(ConfigError, match="is a network"):
        export_arpa("mixed", tmp_path / "x.arpa", workspace)


def test_a_mixed_run_is_described_from_its_state_which_has_no_ngrams(small_request, workspace):
    start(small_request(name="mixed", mix="ngram:3"), workspace, SilentReporter(), StopRequest())
    rows = dict(describe("mixed", workspace).rows)
    assert "mixed with n-grams up to order 3" in rows["model"]
    assert rows["steps"].startswith("12 of 12")
    last = workspace.checkpoints / "mixed" / "last.safetensors"
    with pytest.raises(CheckpointError, match="without the n-grams"):
        read_model(str(last), workspace)


def test_fine_tuning_a_mixed_run_says_that_its_network_alone_is_taken(small_request, workspace):
    reporter = RecordingReporter()
    train_whole(small_request(name="mixed", mix="ngram:3"), workspace)
    start(small_request(name="tuned"), workspace, reporter, StopRequest(), init_from="mixed")
    assert any("the network alone is taken" in note for note in reporter.notes)
