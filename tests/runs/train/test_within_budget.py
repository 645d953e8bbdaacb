"""Two trainings on time, from the command to the run: what budgets decide is stored, and used."""

import json
import re
import time

from charlm.config import make_request
from charlm.runs.reporting import SilentReporter, StopRequest
from charlm.runs.stored.state import open_state
from charlm.runs.train.resume import resume
from charlm.runs.train.start import start
from tests.support.reporters import RecordingReporter


def test_a_budget_chooses_sizes_and_a_length_and_stores_both_with_their_reasons(text, workspace):
    text.write_text(text.read_text() * 200)  # More than there is time to read forty times.
    run = {"device": "cpu", "threads": 2}
    asked = make_request({"data": {"corpus": (str(text),)}, "training": {"budget": "2s"}, "run": run})
    result = start(asked, workspace, SilentReporter(), StopRequest())
    record = open_state(result.run / "last.safetensors").record
    model, training = record.config.model, record.config.training
    assert training.steps == result.total_steps
    assert record.plan.sizes.startswith(f"{model.num_layers} x {model.hidden_size} units, {training.batch_size} x ")
    assert 0.5 < record.plan.seconds <= 2.0
    assert result.total_steps <= record.plan.most_steps
    assert 0.0 < record.plan.ending_seconds < 2.0
    assert record.plan.may_share
    assert "shared_steps" in json.loads((result.run / "metrics.jsonl").read_text().splitlines()[-1])
    assert f"# sizes: {record.plan.sizes}" in (result.run / "config.toml").read_text()
    longer = resume(str(result.run), workspace, SilentReporter(), StopRequest(), overrides={"steps": result.steps + 5})
    assert open_state(longer.run / "last.safetensors").record.plan.seconds is None
    last_line = json.loads((longer.run / "metrics.jsonl").read_text().splitlines()[-1])
    assert last_line["step"] == result.steps + 5
    assert "shared_steps" not in last_line


def test_a_budget_that_is_over_before_training_still_leaves_a_run_of_what_was_asked_for(small_request, workspace):
    told = RecordingReporter()
    asked = small_request(steps=None, budget="1s", learning_rate=0.005, dropout=0.25)
    result = start(asked, workspace, told, StopRequest(), started=time.monotonic() - 5.0)
    assert result.steps >= 1
    assert result.validation is not None
    advice = re.search(r"--budget (\d+)s is about the shortest", told.warnings[0])
    assert int(advice[1]) > 5
    config = open_state(result.run / "last.safetensors").record.config
    assert (config.model.hidden_size, config.model.embedding_size, config.model.dropout) == (8, 4, 0.25)
    assert (config.training.batch_size, config.training.sequence_length, config.training.learning_rate) == (
        4,
        16,
        0.005,
    )
