import json
import shutil

import pytest


def test_one_run_is_drawn_on_the_terminal(charlm):
    out, _ = charlm("plot", "demo")
    assert "loss (bits per character)" in out
    assert "* training loss: " in out
    assert "o validation loss: " in out
    assert "training steps" in out


def test_of_several_runs_the_validation_losses_are_drawn(charlm, folder):
    shutil.copytree(folder / "checkpoints" / "demo", folder / "copies" / "demo", dirs_exist_ok=True)
    out, _ = charlm("plot", "checkpoints/demo", "copies/demo", "--over", "seconds")
    assert "* checkpoints/demo, validation loss: " in out
    assert "o copies/demo, validation loss: " in out
    assert "training loss" not in out
    assert "seconds of training" in out


def test_json_holds_every_point(charlm):
    training, validation = json.loads(charlm("plot", "demo", "--json")[0])
    assert (training["text"], validation["text"]) == ("training", "validation")
    assert [point["steps"] for point in training["points"]] == [1, 2, 3, 4]
    assert training["points"][0].keys() == {"steps", "characters", "seconds", "bits_per_character"}


def test_a_file_is_drawn_by_its_suffix(charlm, folder):
    pytest.importorskip("matplotlib")
    assert charlm("plot", "demo", "-o", "a.png") == ("", "")
    assert (folder / "a.png").read_bytes().startswith(b"\x89PNG")
    charlm("plot", "demo", "-o", "a.svg", "--over", "characters")


@pytest.mark.parametrize("name", ["a.xyz", "a"])
def test_the_names_of_pictures_have_certain_endings(charlm, name):
    _, err = charlm("plot", "demo", "-o", name, code=2)
    assert f"'{name}' cannot be drawn into: its name should end in .png, .svg, .pdf, .jpg, .webp or .eps." in err


def test_a_picture_in_a_folder_that_is_not_there_is_refused_first(charlm):
    _, err = charlm("plot", "demo", "-o", "gone/a.png", code=2)
    assert "there is no folder 'gone'" in err


def test_a_missing_extra_is_named(charlm, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    _, err = charlm("plot", "demo", "-o", "a.png", code=2)
    assert "pip install 'charlm[plots]'" in err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["nothing"], 1, "There is no run 'nothing'"),
        ([], 2, "Missing argument"),
        (["demo", "--over", "time"], 2, "--over"),
    ],
)
def test_bad_input_is_one_sentence(charlm, arguments, code, message):
    assert message in charlm("plot", *arguments, code=code)[1]
