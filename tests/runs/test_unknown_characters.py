"""What a character that the vocabulary lacks costs in every score, and in runs that older versions of charlm began."""

import json
import math
from pathlib import Path

import pytest

from charlm.checkpointing.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from charlm.config import EvaluationConfig
from charlm.runs.evaluate.choice import TextChoice
from charlm.runs.evaluate.perplexity import perplexity
from charlm.runs.info import describe
from charlm.runs.reporting import SilentReporter, StopRequest
from charlm.runs.train.resume import resume
from charlm.runs.train.start import start

POEM = "\u9e45\u9e45\u9e45\uff0c\u66f2\u9879\u5411\u5929\u6b4c\u3002\n" * 20
NUM_CHARACTERS = 0x110000 - 0x800


def trained(small_request, workspace, **settings):
    return start(small_request(name="one", **settings), workspace, SilentReporter(), StopRequest())


def progress_of(run: Path) -> dict:
    return read_checkpoint(run / "last.safetensors").values["progress"]


def as_charlm_0_1_0_counted(run: Path, *, charge: float) -> None:
    """Rewrites the state and the metrics of a run: `charge` nats per symbol were not counted."""
    last = read_checkpoint(run / "last.safetensors")
    progress = {key: value for key, value in last.values["progress"].items() if key != "charges_unknown"}
    progress["best_nats"] -= charge
    values = {**last.values, "format": 2, "progress": progress}
    write_checkpoint(run / "last.safetensors", Checkpoint(last.tensors, values))
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    for score in (line["validation"] for line in lines if "validation" in line):
        del score["unknown_bits_per_character"]
        score["nats_per_symbol"] -= charge
    (run / "metrics.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))


@pytest.mark.parametrize("settings", [{}, {"records": "lines", "split": "100/0/0"}, {"mix": "ngram:2"}], ids=str)
def test_a_text_in_another_script_costs_more_than_an_even_choice_among_all_characters(
    small_request, workspace, tmp_path, settings
):
    run = trained(small_request, workspace, **settings).run
    (tmp_path / "poem.txt").write_text(POEM, encoding="utf-8")
    result = perplexity(
        run.name, TextChoice((str(tmp_path / "poem.txt"),)), EvaluationConfig(), workspace, SilentReporter()
    )
    score = result.score
    per_unknown = score.unknown_nats / score.num_unknown
    assert per_unknown == pytest.approx(math.log(NUM_CHARACTERS), abs=1e-4)
    assert score.total_nats > score.unknown_nats
    # Five characters in six are unknown, if not more, at 20 bits each.
    assert score.bits_per_character > 20 * 10 / 12
    assert all(each.score.unknown_nats == score.unknown_nats for each in result.baselines)
    uniform = next(each.score for each in result.baselines if each.name == "uniform")
    json_of = json.loads((run / "tokenizer.json").read_text())
    known = len(json_of.get("inner", json_of)["characters"]) + (settings.get("records") == "lines")
    assert uniform.total_nats == pytest.approx(
        score.num_symbols * math.log(known + 1) + score.num_unknown * math.log(NUM_CHARACTERS - known)
    )


def test_a_run_that_was_begun_without_the_charge_compares_like_with_like(small_request, workspace, tmp_path):
    (tmp_path / "held-out.txt").write_text("the red cat ran. we \u9e45 saw a hen.\n" * 9, encoding="utf-8")
    run = trained(small_request, workspace, valid=(str(tmp_path / "held-out.txt"),), steps=8).run
    untouched = progress_of(run)
    score = read_checkpoint(run / "best.safetensors").values["validation"]
    charge = score["unknown_bits_per_character"] * math.log(2)
    assert charge > 0.1
    as_charlm_0_1_0_counted(run, charge=charge)
    # What is only looked at is shown as it was counted.
    lowest = min(point.validation for point in describe(run.name, workspace).history)
    assert lowest == pytest.approx(score["nats_per_symbol"] - charge)
    resume(run.name, workspace, SilentReporter(), StopRequest(), overrides={"steps": 9})
    later = progress_of(run)
    assert later["charges_unknown"]
    assert later["best_nats"] <= untouched["best_nats"] + 1e-9
    assert later["best_nats"] > untouched["best_nats"] - charge / 2
    history = [point.validation for point in describe(run.name, workspace).history]
    assert max(history) - min(history) < charge


def test_going_on_without_the_charge_ends_like_going_on_with_it(small_request, workspace, tmp_path):
    (tmp_path / "held-out.txt").write_text("the red cat ran. we \u9e45 saw a hen.\n" * 9, encoding="utf-8")
    run = trained(small_request, workspace, valid=(str(tmp_path / "held-out.txt"),), steps=8, keep=9, evaluations=4).run
    whole = progress_of(run)
    before = run / "step-4.safetensors"
    (run / "last.safetensors").write_bytes(before.read_bytes())
    score = read_checkpoint(run / "best.safetensors").values["validation"]
    as_charlm_0_1_0_counted(run, charge=score["unknown_bits_per_character"] * math.log(2))
    resume(run.name, workspace, SilentReporter(), StopRequest())
    again = progress_of(run)
    assert again["best_nats"] == pytest.approx(whole["best_nats"], rel=1e-12)
    assert (again["best_step"], again["stale"]) == (whole["best_step"], whole["stale"])
