import pytest

from charlm.checkpointing.checkpoint import read_checkpoint
from charlm.errors import ConfigError
from charlm.runs.reporting import SilentReporter, StopRequest
from charlm.runs.train.start import start
from tests.support.training_runs import train_whole


def test_fine_tuning_keeps_the_tokenizer_and_adds_what_is_new(small_request, workspace, tmp_path):
    origin = train_whole(small_request(name="origin"), workspace)
    other = tmp_path / "other.txt"
    other.write_text("ünïcödé and the cat sat. " * 60)
    config = small_request(name="tuned", corpus=(str(other),))
    tuned = start(config, workspace, SilentReporter(), StopRequest(), init_from="origin")
    first, second = (read_checkpoint(run / "best.safetensors") for run in (origin.run, tuned.run))
    old, new = (each.values["tokenizer"]["characters"] for each in (first, second))
    assert new.startswith(old)
    assert set(new) - set(old) == set("ünïcödé") - set(old)
    assert tuned.validation.num_unknown == 0


def test_fine_tuning_starts_from_the_weights(small_request, workspace):
    origin = train_whole(small_request(name="origin", steps=150, hidden_size=24), workspace)
    again = small_request(name="tuned", steps=1, evaluations=1, hidden_size=24, learning_rate=1e-9)
    tuned = start(again, workspace, SilentReporter(), StopRequest(), init_from="origin")
    # A step of a billionth leaves the weights what they were.
    assert tuned.validation.nats_per_symbol == pytest.approx(origin.validation.nats_per_symbol, rel=1e-4)


def test_fine_tuning_refuses_another_network(small_request, workspace):
    train_whole(small_request(name="origin", steps=1, evaluations=1), workspace)
    with pytest.raises(ConfigError, match="--hidden-size 9"):
        start(small_request(hidden_size=9), workspace, SilentReporter(), StopRequest(), init_from="origin")
