"""A folder for others: the very model of the run, read back wherever a run is, and written whole or not at all."""

import json
import os
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from charlm.api import load
from charlm.cli.app import run
from charlm.errors import CheckpointError
from charlm.runs.export.card import model_card
from charlm.runs.export.hub import export_hub
from charlm.runs.info import describe
from charlm.runs.list import list_all
from charlm.runs.stored.model import read_any_model
from charlm.runs.verify import verify_run
from tests.support.forged_runs import KINDS, make_run
from tests.support.names import write_names
from tests.support.training_runs import train_whole

FILES = ["README.md", "config.json", "model.safetensors", "tokenizer.json"]
OLDER = Path(__file__).parents[2] / "fixtures" / "charlm-0.1.0.zip"
SMALL = ["--hidden-size", "8", "--embedding-size", "4", "--num-layers", "1", "--steps", "4", "--device", "cpu"]


@pytest.fixture
def published(small_request, workspace):
    """The folder of a small run, at `one-hub`."""
    train_whole(small_request(name="one"), workspace)
    folder = workspace.root / "one-hub"
    export_hub("one", folder, workspace)
    return folder


def assert_is_model_of(folder: Path, best: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == FILES
    assert (folder / "model.safetensors").read_bytes() == best.read_bytes()


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_run_is_written_as_the_very_model(kind, workspace, monkeypatch):
    monkeypatch.chdir(workspace.root)
    best = make_run(kind, workspace.root) / "best.safetensors"
    export_hub("one", Path("hub"), workspace)
    assert_is_model_of(Path("hub"), best)
    assert verify_run("hub", workspace).is_whole
    assert read_any_model("hub", workspace).record == read_any_model("one", workspace).record
    (score, other) = (load(name).score("the cat sat") for name in ("hub", "one"))
    assert score == other


@pytest.mark.parametrize("task", ["classify", "generate", "transduce"])
def test_a_run_of_a_task_is_written_too(task, workspace, monkeypatch, capsys):
    monkeypatch.chdir(workspace.root)
    write_names(Path("names.tsv"))
    swap = ["--swap"] if task == "generate" else []
    assert run(["train", "names.tsv", "--task", task, "--name", "one", "--quiet", *SMALL, *swap]) == 0
    assert run(["export", "hub", "one"]) == 0
    assert_is_model_of(Path("one-hub"), Path("checkpoints/one/best.safetensors"))
    predictions = []
    for name in ("one", "one-hub"):
        capsys.readouterr()
        assert run(["predict", name, "names.tsv"]) == 0
        predictions.append(capsys.readouterr().out)
    assert predictions[0] == predictions[1]
    assert (
        f"charlm {'sample FOLDER' if task == 'generate' else 'predict FOLDER'}" in Path("one-hub/README.md").read_text()
    )


def test_a_run_of_an_older_charlm_is_written_in_todays_format(workspace):
    with zipfile.ZipFile(OLDER) as archive:
        archive.extractall(workspace.root)
    export_hub("lstm", workspace.root / "hub", workspace)
    hub, older = (load(name, workspace=workspace.root) for name in (workspace.root / "hub", "lstm"))
    assert hub.score("Some text.") == older.score("Some text.")
    assert verify_run(str(workspace.root / "hub"), workspace).is_whole


def test_the_folder_lies_anywhere_and_is_described_and_sampled_as_the_run(published, workspace):
    folder = published.rename(workspace.root / "elsewhere")
    one, hub = (load(name, workspace=workspace.root) for name in ("one", folder))
    assert hub.sample("the ", length=40, seed=3) == one.sample("the ", length=40, seed=3)
    rows, other_rows = (dict(describe(str(name), workspace).rows) for name in ("one", folder))
    same = ("corpus", "vocabulary", "model", "validation", "test")
    assert {name: rows.get(name) for name in same} == {name: other_rows.get(name) for name in same}


def test_a_folder_under_checkpoints_is_listed(published, workspace):
    shutil.move(published, workspace.checkpoints / "published")
    rows = {row.name: row for row in list_all(workspace)}
    assert rows["published"].test == rows["one"].test is not None
    assert read_any_model("published", workspace).source.name == "model.safetensors"


def test_a_run_starts_from_a_folder(published, small_request, workspace):
    result = train_whole(small_request(name="two"), workspace, init_from=str(published))
    assert read_any_model("two", workspace).record.provenance.initialized_from == "one-hub"
    assert result.validation is not None


def test_a_folder_is_no_state_to_go_on_from(published, monkeypatch, capsys):
    monkeypatch.chdir(published.parent)
    assert run(["train", "--resume", "one-hub"]) == 1
    assert "start a new run with --init-from one-hub" in capsys.readouterr().err


def test_the_other_files_say_what_the_model_says(published, workspace):
    stored = read_any_model("one", workspace)
    config = json.loads((published / "config.json").read_text())
    assert (config["model_type"], config["vocabulary_size"]) == ("charlm", stored.tokenizer.vocabulary_size)
    assert config["config"]["model"]["hidden_size"] == 8
    assert json.loads((published / "tokenizer.json").read_text()) == stored.tokenizer.to_json()
    card = (published / "README.md").read_text()
    scores = json.loads((workspace.checkpoints / "one/metrics.jsonl").read_text().splitlines()[-1])["validation"]
    assert f"| validation | {scores['bits_per_character']:.4f} | {scores['perplexity']:.4f} |" in card
    assert f"value: {scores['bits_per_character']:.6f}" in card.split("---")[1]


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_file_that_was_changed_is_found(name, published, workspace):
    for content in (b"", b"{}", b'{"a": ' * 5000, b"\xff\xfe", b"x" * ((1 << 20) + 1)):
        (published / name).write_bytes(content)
        damaged = [each.file for each in verify_run(str(published), workspace).files if each.problem is not None]
        assert name in damaged
        if name == "model.safetensors":
            with pytest.raises(CheckpointError, match="safetensors"):
                read_any_model(str(published), workspace)


def test_a_setting_that_was_changed_is_found(published, workspace):
    config = json.loads((published / "config.json").read_text())
    config["config"]["model"]["num_layers"] = 7
    (published / "config.json").write_text(json.dumps(config))
    (report,) = (each for each in verify_run(str(published), workspace).files if each.problem is not None)
    assert report.file == "config.json" and "does not say what" in report.problem


def test_the_model_of_another_program_is_refused_in_a_sentence(tmp_path, workspace):
    header = b'{"__metadata__":{"format":"pt"}}'
    (tmp_path / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(CheckpointError, match="is a safetensors file, but not a checkpoint of charlm"):
        read_any_model(str(tmp_path), workspace)


def test_only_force_replaces_files_and_keeps_the_others(published, workspace):
    (published / ".gitattributes").write_text("mine")
    (published / "README.md").write_text("mine")
    with pytest.raises(CheckpointError, match="is there already"):
        export_hub("one", published, workspace)
    assert (published / "README.md").read_text() == "mine"
    export_hub("one", published, workspace, overwrite=True)
    assert (published / "README.md").read_text().startswith("---\n")
    assert sorted(path.name for path in published.iterdir()) == [".gitattributes", *FILES]


def test_the_folder_of_a_run_is_never_written_to(published, workspace):
    with pytest.raises(CheckpointError, match="is a run"):
        export_hub("one", workspace.checkpoints / "one", workspace, overwrite=True)


@pytest.mark.parametrize("place", ["tale.txt", "tale.txt/inner"])
def test_a_place_that_no_folder_can_have_is_refused(place, published, workspace):
    with pytest.raises(CheckpointError, match="tale"):
        export_hub("one", workspace.root / place, workspace, overwrite=True)


@pytest.mark.parametrize("is_new", [True, False])
def test_a_full_disk_leaves_what_was_there(is_new, published, workspace, monkeypatch):
    output = workspace.root / "new" if is_new else published
    before = {path: path.read_bytes() for path in published.iterdir()}

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(CheckpointError, match="No space left"):
        export_hub("one", output, workspace, overwrite=True)
    assert not (workspace.root / "new").exists()
    assert {path: path.read_bytes() for path in published.iterdir()} == before
    assert not list(workspace.root.glob(".tmp-*"))


def test_no_name_becomes_markup_in_the_card(published, workspace):
    stored = read_any_model("one", workspace)
    hostile = '<b>*x* [a](http://b) `c` "\n---\n- www.d.e | \u2028\u202e'
    corpus = stored.record.provenance.corpus.model_copy(update={"label": hostile})
    provenance = stored.record.provenance.model_copy(update={"corpus": corpus})
    record = stored.record.model_copy(update={"provenance": provenance})
    card = model_card(replace(stored, name=hostile, record=record))
    _, front, text = card.split("---\n", maxsplit=2)
    shown = r'\<b\>\*x\* \[a\](http\://b) \`c\` "' + r" --- - www\.d.e \|" + "   "
    assert f"\n# {shown}\n" in text and f"\n- Text: {shown}, SHA-256" in text
    harmless = model_card(stored).split("---\n", maxsplit=2)[1]
    assert len(front.splitlines()) == len(harmless.splitlines())
    assert 'name: "<b>*x* [a](http://b) `c` \\U00000022\\U0000000A---\\U0000000A- www.d.e | \\U00002028' in front
