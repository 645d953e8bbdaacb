import json
import tomllib

import pytest

HELD = "--hidden-size 4 --embedding-size 4 --batch-size 32 --sequence-length 32 --device cpu --evaluations 2"
HELD += " --mix none --cell lstm --num-layers 1 --dropout 0 --threads 1 --precision fp32"
"""All but the rates: so short a text ends a training after 500 steps."""


@pytest.fixture(scope="module")
def needs_optuna():
    pytest.importorskip("optuna")


def test_a_search_ends_with_a_table_runs_and_settings_for_train(charlm, folder, needs_optuna):
    command = [
        "tune",
        "t.txt",
        "--name",
        "s",
        "--trials",
        "2",
        "--trial-budget",
        "60s",
        "--confirm-seeds",
        "0",
        *HELD.split(),
    ]
    out, err = charlm(*command)
    assert "rank" in out and "learning rate" in out and "what charlm train chooses" in out
    assert "charlm train --config checkpoints/s/best.toml" in out
    assert "trial-001 … (1 of 2 trials done)" in err
    found = json.loads(charlm(*command, "--json", "--quiet")[0])
    assert [each["state"] for each in found["trials"]] == ["finished"] * 2
    assert found["trials"][0]["bits"] <= found["trials"][1]["bits"]
    assert found["gain"] >= 0
    # Each trial is a run.
    assert "s/trial-000" in charlm("list")[0]
    charlm("verify", "s/trial-001")
    charlm("sample", "s/trial-001", "--length", "5")
    _, err = charlm("info", "s", code=1)
    assert "holds several runs" in err
    best = tomllib.loads((folder / "checkpoints/s/best.toml").read_text())
    assert best["training"]["budget"] == "60s" and best["model"]["cell"] == "lstm"


def test_without_optuna_it_is_told_how_to_install_it(charlm, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    _, err = charlm("tune", "t.txt", code=2)
    assert err.strip() == "Error: charlm tune needs Optuna; install it with: pip install 'charlm[tune]'"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--trials", "0"], "--trials is '0'; it should be greater than or equal to 1."),
        (["--trial-budget", "soon"], "--trial-budget: 'soon' is not a duration"),
        (["--steps", "5"], "No such option"),
        (["--space", "t.txt"], "--space 't.txt' is not TOML"),
        (["--model", "ngram"], "counted in one go"),
    ],
)
def test_what_cannot_be_searched_is_refused_in_one_sentence(charlm, needs_optuna, arguments, message):
    out, err = charlm("tune", "t.txt", *arguments, code=2)
    assert message in err and out == ""


def test_a_space_that_is_not_there_is_named(charlm, needs_optuna):
    assert "--space 'none.toml' cannot be read" in charlm("tune", "t.txt", "--space", "none.toml", code=1)[1]
