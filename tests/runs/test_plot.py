import json
import math
import shutil

import pytest

from charlm.errors import CheckpointError
from charlm.runs.plot import loss_curves
from charlm.runs.stored.model import read_any_model
from tests.support.training_runs import train_whole


def metrics(workspace, run):
    return [json.loads(line) for line in (workspace.checkpoints / run / "metrics.jsonl").read_text().splitlines()]


def rewrite(workspace, run, lines):
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (workspace.checkpoints / run / "metrics.jsonl").write_text(text)


def test_a_run_has_its_training_and_its_validation_loss_in_bits(small_request, workspace):
    train_whole(small_request(name="one"), workspace)
    training, validation = loss_curves(["one"], workspace)
    assert (training.run, training.text, training.model) == ("one", "training", None)
    assert (validation.run, validation.text, validation.model) == ("one", "validation", None)
    lines = metrics(workspace, "one")
    assert [point.steps for point in training.points] == [line["step"] for line in lines]
    # Every symbol of this vocabulary is one character.
    expected = [line["training_nats_per_symbol"] / math.log(2) for line in lines]
    assert [point.bits_per_character for point in training.points] == pytest.approx(expected)
    scores = [line["validation"]["bits_per_character"] for line in lines if "validation" in line]
    assert [point.bits_per_character for point in validation.points] == pytest.approx(scores)


def test_a_classifier_has_losses_per_label_over_the_characters_that_it_read(small_request, workspace, tmp_path):
    path = tmp_path / "examples.tsv"
    path.write_text("".join(f"{a}{b}\t{a}\n" for a in "abcd" for b in "abcd"))
    asked = small_request(corpus=(str(path),), name="labels", task="classify", split="75/25/0", batch_size=16)
    train_whole(asked, workspace)
    training, validation = loss_curves(["labels"], workspace)
    assert training.unit == validation.unit == "label"
    lines = metrics(workspace, "labels")
    expected = [line["training_nats_per_symbol"] / math.log(2) for line in lines]
    assert [point.bits_per_character for point in training.points] == pytest.approx(expected)
    num_examples = read_any_model("labels", workspace).symbol_counts[0] + 1
    assert training.points[0].characters == pytest.approx(2 * num_examples * lines[0]["epoch"])


def test_a_step_is_over_so_many_characters_as_its_batch_has(small_request, workspace):
    train_whole(small_request(name="one", batch_size=4, sequence_length=16), workspace)
    for point in loss_curves(["one"], workspace)[0].points:
        # The epochs of the metrics are rounded, and the last window of a text is shorter.
        assert point.characters == pytest.approx(64 * point.steps, rel=0.05)


def test_a_mixture_and_its_parts_are_curves_of_their_own(small_request, workspace):
    train_whole(small_request(name="both", mix="ngram:3"), workspace)
    curves = {(curve.text, curve.model): curve.points for curve in loss_curves(["both"], workspace)}
    assert curves.keys() == {
        ("training", "network alone"),
        ("validation", "mixture"),
        ("validation", "network alone"),
    }


def test_what_an_older_version_left_out_of_a_loss_is_added(small_request, workspace):
    train_whole(small_request(name="old"), workspace)
    line = metrics(workspace, "old")[-1]
    score = line["validation"]
    known = score.pop("unknown_bits_per_character")
    score["unknown"] = 2
    rewrite(workspace, "old", [line])
    _, validation = loss_curves(["old"], workspace)
    (point,) = validation.points
    size = len(json.loads((workspace.checkpoints / "old" / "tokenizer.json").read_text())["characters"])
    charge = 2 / score["characters"] * math.log2(0x110000 - 0x800 - size)
    assert known == 0
    assert point.bits_per_character == pytest.approx(score["bits_per_character"] + charge)


def test_lines_that_say_nonsense_are_left_out(small_request, workspace):
    train_whole(small_request(name="odd"), workspace)
    lines = metrics(workspace, "odd")
    odd = [
        {"step": 10**400},
        {"step": 1, "seconds": 1, "epoch": 1e308, "training_nats_per_symbol": 1.0},
        {"step": 1, "seconds": "x"},
        {"step": 1, "seconds": 1, "epoch": 1, "validation": {"nats_per_symbol": 10**400, "symbols": 1}},
        {"step": 1, "seconds": 1, "epoch": 1, "validation_network": "\x1b[31m", "validation": [1]},
    ]
    rewrite(workspace, "odd", [*lines, *odd])
    assert sum(len(curve.points) for curve in loss_curves(["odd"], workspace)) == len(lines) + sum(
        "validation" in line for line in lines
    )
    rewrite(workspace, "odd", odd)
    with pytest.raises(CheckpointError, match="has no losses to plot"):
        loss_curves(["odd"], workspace)


def test_runs_of_one_name_are_told_apart(small_request, workspace):
    train_whole(small_request(name="one"), workspace)
    path, copy = workspace.checkpoints / "one", workspace.root / "copies" / "one"
    shutil.copytree(path, copy)
    assert {curve.run for curve in loss_curves(["one", str(path)], workspace)} == {"one"}
    assert {curve.run for curve in loss_curves(["one", str(copy)], workspace)} == {str(path), str(copy)}
