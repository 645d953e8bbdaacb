from io import BytesIO
from pathlib import Path

import pytest

from charlm.checkpointing.checkpoint import read_checkpoint
from charlm.runs.evaluate.labels import MOST_FREQUENT, NAIVE_BAYES
from charlm.runs.evaluate.measured import OWN
from charlm.runs.predict.apply import predict
from charlm.runs.reporting import SilentReporter, StopRequest
from charlm.runs.stored.workspace import Workspace
from charlm.runs.train.resume import resume
from charlm.runs.train.start import start
from charlm.runs.verify import verify_run
from tests.support.reporters import StopAfter
from tests.support.tasks import Warnings, measure, request
from tests.support.training_runs import assert_same_end, train_whole


def test_names_are_classified_by_their_endings(names: Path, workspace: Workspace) -> None:
    result = train_whole(request(names, name="names"), workspace)
    assert result.unit == "label" and result.task == "classify"
    assert result.validation is not None and result.validation.num_symbols == result.validation.num_characters
    uniform = next(each for each in result.baselines if (each.name, each.split) == ("uniform", "validation"))
    assert uniform.score.perplexity == pytest.approx(3.0)
    shares = {name: each["accuracy"] for name, each in measure("names", workspace).models.items()}
    assert min(shares[OWN], shares[NAIVE_BAYES]) > 0.95 > shares[MOST_FREQUENT]
    found = list(predict("names", (str(names),), workspace, SilentReporter()))
    assert len(found) == 768 and sum(found[0].likeliest.values()) == pytest.approx(1.0, abs=1e-5)
    assert verify_run("names", workspace).is_whole


def test_lines_are_read_in_the_unicode_form_of_the_training_text(workspace: Workspace, tmp_path: Path) -> None:
    examples = tmp_path / "examples.tsv"
    examples.write_text("".join(f"{'éa'[number % 2]}{number}\t{'XY'[number % 2]}\n" for number in range(200)))
    train_whole(request(examples, name="composed", normalize="nfc", steps=2), workspace)
    lines, reporter = "e\N{COMBINING ACUTE ACCENT}1\na2\n", Warnings()
    (tmp_path / "new.txt").write_text(lines)
    file = predict("composed", (str(tmp_path / "new.txt"),), workspace, reporter)
    stream = predict("composed", ("-",), workspace, reporter, stdin=BytesIO(lines.encode()))
    assert [each.values["text"] for each in file] == [each.values["text"] for each in stream] == ["é1", "a2"]
    assert not reporter.warnings


def test_a_label_never_learnt_is_counted_wrong_and_named(names: Path, workspace: Workspace, tmp_path: Path) -> None:
    train_whole(request(names, name="names", steps=2), workspace)
    other = tmp_path / "other.tsv"
    other.write_text("basen\tNorthern\nbaxyz\tElvish\n")
    measured = measure("names", workspace, other)
    assert measured.unknown_labels == ("Elvish",)
    row = next(row for row in measured.rows if row.label == "Elvish")
    assert (row.true, row.hits) == (1, 0)


def test_a_label_of_the_own_test_examples_alone_is_named(names: Path, workspace: Workspace, tmp_path: Path) -> None:
    other = tmp_path / "other.tsv"
    other.write_text("basen\tNorthern\nbaxyz\tElvish\n")
    stop, reporter = StopRequest(), Warnings()
    asked = request(names, name="names", steps=2, valid=(str(names),), test=(str(other),))
    start(asked, workspace, reporter, stop)
    assert any("1 label of the test examples is none of those for training" in each for each in reporter.warnings)
    assert measure("names", workspace).unknown_labels == ("Elvish",)
    other.unlink()  # What was encoded still serves, without the name.
    assert measure("names", workspace).unknown_labels == ("<unknown label>",)


@pytest.mark.parametrize("settings", [{}, {"average": 0.9, "accumulation": 2}, {"direction": "forward", "cell": "gru"}])
def test_a_stopped_training_goes_on_bit_for_bit(names: Path, workspace: Workspace, settings: dict[str, object]) -> None:
    settings = {**settings, "steps": 12, "dropout": 0.2}
    whole = train_whole(request(names, name="whole", **settings), workspace)
    stop = StopRequest()
    start(request(names, name="parts", **settings), workspace, StopAfter(stop, 5), stop)
    stopped = read_checkpoint(workspace.checkpoints / "parts" / "last.safetensors")
    assert not any(name.startswith("state.") for name in stopped.tensors)
    resumed = resume("parts", workspace, SilentReporter(), StopRequest())
    assert_same_end(whole.run, resumed.run)
