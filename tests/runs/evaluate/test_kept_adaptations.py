"""What the validation text taught about adapting: kept beside the run, and found out anew where it is damaged."""

import math
import shutil
from functools import partial

import pytest
import torch

from charlm.checkpointing.run_folder import RunFolder
from charlm.runs.reporting import SilentReporter, StopRequest
from charlm.runs.stored.workspace import Workspace
from charlm.runs.train.resume import resume
from charlm.runs.verify import verify_run
from tests.support.adapting import METHODS, changed, score, trained
from tests.support.tale import write_tale
from tests.support.training_runs import request_of


@pytest.mark.parametrize("method", METHODS)
def test_what_the_validation_text_taught_is_kept(small_request, workspace, method):
    folder = trained(small_request, workspace, mix="ngram:3")
    path = folder.adaptation(method)
    assert not path.exists()
    first, _ = score(workspace, adapt=method)
    content = path.read_bytes()
    # The second time it alone decides: with other weights in it, the figure is another.
    assert score(workspace, adapt=method)[0] == first
    changed(path, lambda tensors: tensors | {"learned.mixed": tensors["learned.mixed"] + 0.1})
    assert score(workspace, adapt=method)[0].adapted != first.adapted
    assert score(workspace, adapt=method)[0].score == first.score
    path.unlink()
    assert score(workspace, adapt=method)[0] == first
    assert path.read_bytes() == content


DAMAGES = {
    "one bit": lambda content: content[:-9] + bytes([content[-9] ^ 4]) + content[-8:],
    "cut": lambda content: content[: len(content) // 2],
    "nothing": lambda content: b"",
    "another file": lambda content: b"another file",
}
FORGERIES = {
    "fewer weights": lambda tensors: tensors | {"learned.static": tensors["learned.static"][1:].clone()},
    "other types": lambda tensors: tensors | {"learned.static": tensors["learned.static"].bfloat16()},
    "not a number": lambda tensors: tensors | {"learned.mixed": tensors["learned.mixed"] * math.nan},
    "huge": lambda tensors: tensors | {"learned.mixed": tensors["learned.mixed"] + 1e300},
    "no matches": lambda tensors: tensors | {"learned.matches": tensors["learned.matches"] * 0.0},
    "no guesses": lambda tensors: tensors | {"learned.guesses": tensors["learned.guesses"] * 0.0},
    "no gradients": lambda tensors: tensors | {"learned.mixed": tensors["learned.mixed"] * 0.0},
    "lacking": lambda tensors: {name: each for name, each in tensors.items() if name != "learned.biases"},
    "rows": lambda tensors: tensors | {"learned.bias_rows": tensors["learned.bias_rows"] + 5000},
    "scalar": lambda tensors: tensors | {"learned.bias_rows": torch.tensor(3)},
}
OF_SIZES = {
    "sizes lacking": lambda tensors: {name: each for name, each in tensors.items() if not name.startswith("sizes")},
    "sizes of nothing": lambda tensors: {
        name: each * 0 if name.startswith("sizes") else each for name, each in tensors.items()
    },
    "sizes shorter": lambda tensors: {
        name: each[:1].clone() if name.startswith("sizes") else each for name, each in tensors.items()
    },
    "infinite sizes": lambda tensors: {
        name: each + math.inf if name.startswith("sizes") else each for name, each in tensors.items()
    },
}
VALUES = [
    {"symbol_rate": 0.0},
    {"weight_rate": 0.0},
    {"weight_rate": 1e9},
    {"weight_rate": "0.001"},
    {"weight_rate": 10**400},
    {"weight_rate": None},
    {"dynamic_rate": -1.0},
    {"dynamic_rate": [1.0]},
]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A workspace with a run and what was found out for both methods, and the scores."""
    workspace = Workspace(tmp_path_factory.mktemp("adapted"))
    trained(partial(request_of, write_tale(workspace.root / "tale.txt")), workspace, mix="ngram:3")
    return workspace, {method: score(workspace, adapt=method)[0] for method in METHODS}


@pytest.fixture
def adapted(made, workspace):
    """The run, to be changed, and the scores."""
    original, scores = made
    shutil.copytree(original.root, workspace.root, dirs_exist_ok=True)
    return RunFolder(workspace.checkpoints / "one"), scores


def assert_found_out_anew(workspace, folder, expected, method, content):
    result, notes = score(workspace, adapt=method)
    assert len(notes) == 1 and "is damaged; what it holds is found out anew" in notes[0]
    assert result == expected[method]
    assert folder.adaptation(method).read_bytes() == content
    assert score(workspace, adapt=method)[1] == []


@pytest.mark.parametrize("method", METHODS)
def test_what_is_damaged_is_found_out_anew(workspace, adapted, method):
    folder, expected = adapted
    path = folder.adaptation(method)
    content = path.read_bytes()
    for damage in DAMAGES.values():
        path.write_bytes(damage(content))
        assert_found_out_anew(workspace, folder, expected, method, content)


@pytest.mark.parametrize(
    ("method", "change"),
    [*(("counts", each) for each in FORGERIES.values()), *(("full", each) for each in OF_SIZES.values())],
)
def test_what_was_never_learnt_is_found_out_anew(workspace, adapted, method, change):
    folder, expected = adapted
    content = folder.adaptation(method).read_bytes()
    changed(folder.adaptation(method), change)
    assert_found_out_anew(workspace, folder, expected, method, content)


@pytest.mark.parametrize("values", VALUES)
def test_rates_that_are_none_are_found_out_anew(workspace, adapted, values):
    folder, expected = adapted
    content = folder.adaptation("full").read_bytes()
    changed(folder.adaptation("full"), dict, **values)
    assert_found_out_anew(workspace, folder, expected, "full", content)


def test_one_method_is_not_taken_for_the_other(workspace, adapted):
    folder, expected = adapted
    contents = {method: folder.adaptation(method).read_bytes() for method in METHODS}
    for method, other in (METHODS, METHODS[::-1]):
        folder.adaptation(method).write_bytes(contents[other])
        assert_found_out_anew(workspace, folder, expected, method, contents[method])


def test_what_is_of_another_model_is_not_used(small_request, workspace, adapted):
    folder, expected = adapted
    other = trained(small_request, workspace, name="two", seed=2, mix="ngram:3")
    for method in METHODS:
        other.adaptation(method).write_bytes(folder.adaptation(method).read_bytes())
        first, notes = score(workspace, run="two", adapt=method)
        assert not notes
        other.adaptation(method).unlink()
        assert score(workspace, run="two", adapt=method)[0] == first
        assert first.adapted != expected[method].adapted


def test_after_more_training_it_is_found_out_anew(small_request, workspace):
    folder = trained(small_request, workspace)
    score(workspace, adapt="counts")
    content = folder.adaptation("counts").read_bytes()
    resume("one", workspace, SilentReporter(), StopRequest(), overrides={"steps": 24})
    holds = {each.file: each.holds for each in verify_run("one", workspace).files}
    assert holds["adaptation-counts.safetensors"].startswith("what another model learnt for --adapt counts")
    first, notes = score(workspace, adapt="counts")
    assert not notes
    assert folder.adaptation("counts").read_bytes() != content
    folder.adaptation("counts").unlink()
    assert score(workspace, adapt="counts")[0] == first


def test_a_run_that_goes_on_from_another_does_not_take_over_how_it_adapts(small_request, workspace, adapted):
    folder = trained(small_request, workspace, name="new", init_from="one")
    assert not folder.adaptation("counts").exists()


def test_a_run_that_cannot_be_written_to_is_scored_all_the_same(small_request, workspace):
    folder = trained(small_request, workspace)
    expected, _ = score(workspace, adapt="counts")
    path = folder.adaptation("counts")
    path.unlink()
    path.mkdir()  # A file cannot take its place, whoever asks.
    result, notes = score(workspace, adapt="counts")
    assert result == expected
    assert len(notes) == 2 and "is not kept: Cannot write" in notes[1]


def test_best_alone_keeps_nothing(small_request, workspace, tmp_path):
    folder = trained(small_request, workspace)
    expected, _ = score(workspace, adapt="counts")
    moved = folder.best.rename(tmp_path / "sent.safetensors")
    result, _ = score(workspace, run=str(moved), adapt="counts", split="test")
    assert result.adapted == expected.adapted
    assert not list(tmp_path.glob("adaptation-*"))
