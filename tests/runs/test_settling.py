import json
import re
import time

from charlm.checkpointing.checkpoint import read_checkpoint
from charlm.config import Request, RunConfig, make_request
from charlm.runs.reporting import SilentReporter, StopRequest
from charlm.runs.train import resume, start


class Listener(SilentReporter):
    def __init__(self) -> None:
        self.warnings: list[str] = []
        self.rows: dict[str, str] = {}

    def warn(self, message):
        self.warnings.append(message)

    def training(self, summary):
        self.rows = dict(summary.rows)
        return super().training(summary)


def train(config, workspace, **options):
    listener = Listener()
    return start(config, workspace, listener, StopRequest(), **options), listener


def open_request(text, **training) -> Request:
    """Nothing asked for but the text and what `training` says."""
    return make_request({"data": {"corpus": (str(text),)}, "training": training, "run": {"device": "cpu"}})


def stored(run) -> RunConfig:
    return RunConfig.model_validate(read_checkpoint(run / "last.safetensors").values["config"])


def test_a_budget_chooses_sizes_says_why_and_stores_both(text, workspace):
    result, listener = train(open_request(text, budget="2s"), workspace)
    config = stored(result.run)
    assert config.training.steps == result.total_steps
    assert f"{config.model.num_layers} x {config.model.hidden_size} units" in listener.rows["sizes"]
    assert f"{config.training.batch_size} x {config.training.sequence_length}" in listener.rows["sizes"]
    assert read_checkpoint(result.run / "best.safetensors").values["choice"] == listener.rows["sizes"]
    assert f"# sizes: {listener.rows['sizes']}" in (result.run / "config.toml").read_text()


def test_what_is_asked_for_is_left_alone(small_request, workspace):
    config = small_request(steps=None, budget="2s", learning_rate=0.005, dropout=0.25)
    result, listener = train(config, workspace)
    settled = stored(result.run)
    assert (settled.model.hidden_size, settled.model.embedding_size) == (8, 4)
    assert (settled.training.batch_size, settled.training.sequence_length) == (4, 16)
    assert (settled.training.learning_rate, settled.model.dropout) == (0.005, 0.25)
    assert "sizes" not in listener.rows


def test_steps_leave_the_sizes_at_their_defaults(text, workspace):
    result, listener = train(open_request(text, steps=2, evaluations=1), workspace)
    config, defaults = stored(result.run), RunConfig(data={"corpus": (str(text),)})
    assert config.model.hidden_size == defaults.model.hidden_size
    assert config.training.batch_size == defaults.training.batch_size
    assert "sizes" not in listener.rows


def test_a_budget_that_is_over_before_training_still_leaves_a_run(small_request, workspace):
    config = small_request(steps=None, budget="1s")
    result, listener = train(config, workspace, started=time.monotonic() - 5.0)
    assert result.steps >= 1
    assert result.validation is not None
    assert listener.warnings[0].startswith("1s is over before training can begin; training for 1 s all the same.")
    advice = re.search(r"--budget (\d+)s is about the shortest", listener.warnings[0])
    assert advice is not None
    assert int(advice[1]) > 5


def test_a_budget_longer_than_the_text_has_use_for_ends_early(small_request, workspace):
    result, listener = train(small_request(steps=None, budget="10h"), workspace)
    assert "10h is longer than this text has use for" in listener.warnings[0]
    # 3,418 training characters in 4 lanes of 16: 54 steps an epoch, 40 epochs.
    assert result.steps == 2160


def test_a_run_on_time_remembers_its_time(text, small_request, workspace):
    text.write_text(text.read_text() * 200)  # More than there is time to read forty times.
    result, _ = train(small_request(steps=None, budget="3s"), workspace)
    seconds = read_checkpoint(result.run / "last.safetensors").values["training_seconds"]
    assert 0.5 < seconds <= 3.0
    longer = resume(str(result.run), workspace, SilentReporter(), StopRequest(), overrides={"steps": result.steps + 5})
    assert read_checkpoint(longer.run / "last.safetensors").values["training_seconds"] is None
    assert json.loads((longer.run / "metrics.jsonl").read_text().splitlines()[-1])["step"] == result.steps + 5
