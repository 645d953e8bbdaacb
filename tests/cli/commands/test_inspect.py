import json

import pytest

from charlm.cli.app import run


@pytest.fixture
def tale(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tale.txt").write_text("the cat sat on the mat. a dog ran to the man.\n" * 40)
    return "tale.txt"


SMALL = ["--hidden-size", "8", "--num-layers", "1", "--train-steps", "3", "--lags", "12", "-q"]


def test_gradients_are_shown_for_each_cell_before_and_after_training(tale, capsys):
    assert run(["inspect", "gradients", tale, *SMALL, "--json"]) == 0
    curves = json.loads(capsys.readouterr().out)
    assert [(each["cell"], each["steps"]) for each in curves] == [
        (cell, steps) for cell in ("rnn", "gru", "lstm") for steps in (0, 3)
    ]
    assert all(len(each["norms"]) == 12 and min(each["norms"]) > 0 for each in curves)
    assert run(["inspect", "gradients", tale, *SMALL, "--cells", "gru-simple"]) == 0
    out = capsys.readouterr().out
    assert "gru-simple, 3 steps" in out
    assert "of the steps" in out


def test_activations_explode_hold_and_die(capsys):
    assert run(["inspect", "activations", "--units", "200", "--symbols", "30", "--json"]) == 0
    norms = json.loads(capsys.readouterr().out)
    assert norms["variance 3/n"][-1] > 20 > norms["variance 2/n"][-1] > 0.05 > norms["variance 1.5/n"][-1]


def test_gates_of_a_run(tale, capsys):
    training = ["--hidden-size", "8", "--steps", "3", "--evaluations", "1", "--device", "cpu", "-q"]
    for name, more in (("g", ["--cell", "gru"]), ("m", ["--model", "mlp"])):
        assert run(["train", tale, "--name", name, *training, *more]) == 0
    capsys.readouterr()
    assert run(["inspect", "gates", "g", "-q", "--json"]) == 0
    assert [(each["layer"], each["gate"]) for each in json.loads(capsys.readouterr().out)] == [
        (layer, gate) for layer in (0, 1) for gate in ("reset", "update")
    ]
    assert run(["inspect", "gates", "m", "-q"]) == 2
    assert "of kind mlp, without gates" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gradients", "tale.txt", "--cells", "rnn,crnn"], "--cells crnn is not a recurrent cell"),
        (["gradients", "tale.txt", "--lags", "5000"], "--lags 5000 needs a training text of at least 5002"),
        (["gradients", "tale.txt", "--lags", "0"], "--lags is '0'"),
        (["activations", "--variances", "3,x"], "is not numbers with commas"),
        (["activations", "--variances", "-1"], "are numbers above 0"),
        (["gates", "nothing"], "There is no run 'nothing'"),
    ],
)
def test_bad_input_is_one_sentence(tale, capsys, arguments, message):
    assert run(["inspect", *arguments]) in (1, 2)
    assert message in capsys.readouterr().err


def test_exposure_of_a_run_trained_with_scheduled_sampling(tale, capsys):
    training = ["--hidden-size", "8", "--steps", "6", "--evaluations", "1", "--device", "cpu", "-q"]
    assert run(["train", tale, "--name", "s", "--teacher-forcing", "linear:0.5", *training]) == 0
    capsys.readouterr()
    few = ["--prefix", "5", "--positions", "8", "--texts", "4", "-q"]
    assert run(["eval", "exposure", "s", *few, "--json"]) == 0
    curves = json.loads(capsys.readouterr().out)
    assert {name: len(curve) for name, curve in curves.items()} == dict.fromkeys(("forced", "free", "own", "true"), 8)
    assert run(["eval", "exposure", "s", *few]) == 0
    assert "forced" in capsys.readouterr().out
    assert run(["eval", "exposure", "s", "--positions", "5000"]) == 1
    assert "held-out symbols" in capsys.readouterr().err
    assert run(["train", tale, "--teacher-forcing", "linear:0.5", "--mix", "ngram:3", *training]) == 2
    assert "--mix needs --teacher-forcing always" in capsys.readouterr().err


def test_agreement_is_asked_of_each_cell_at_each_length(tale, capsys):
    few = ["--hidden-size", "8", "--num-layers", "1", "--train-steps", "3", "--sentences", "50", "--questions", "4"]
    assert run(["inspect", "agreement", "--longest", "2", *few, "-q", "--json"]) == 0
    results = json.loads(capsys.readouterr().out)
    assert [each["cell"] for each in results] == ["rnn", "gru", "lstm"]
    assert all([answer["things"] for answer in each["answers"]] == [0, 1, 2] for each in results)
    assert run(["inspect", "agreement", "--longest", "1", "--cells", "gru", *few, "-q"]) == 0
    assert "gru" in capsys.readouterr().out
