import pytest

import charlm
from charlm.errors import CharlmError


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("api")
    (folder / "tale.txt").write_text("the cat sat on the mat. a dog ran. " * 60)
    charlm.train(
        folder / "tale.txt", workspace=folder, name="mine", steps=30, hidden_size=16, batch_size=4, device="cpu"
    )
    return folder


def test_a_run_is_trained_loaded_sampled_and_scored(place):
    run = charlm.load("mine", workspace=place)
    text = run.sample(prompt="the ", length=40, seed=3)
    assert len(text) == 40
    assert text == run.sample(prompt="the ", length=40, seed=3)
    assert "".join(run.stream(prompt="the ", length=40, seed=3)) == text
    assert run.samples(length=5, num_samples=3, seed=1) == run.samples(length=5, num_samples=3, seed=1)
    assert run.score("the cat sat").num_characters == 10


def test_training_gives_the_result_beside_the_model(place):
    run = charlm.train(place / "tale.txt", workspace=place, steps=2, hidden_size=4, split="80/20/0", device="cpu")
    assert run.result is not None
    assert run.result.steps == 2
    assert run.config.model.hidden_size == 4


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"hiden_size": 3}, "hiden_size"),
        ({"dropout": 2}, "dropout"),
        ({"budget": "soon"}, "not a duration"),
        ({"steps": 1, "epochs": 1}, "both set the length"),
    ],
)
def test_a_wrong_setting_is_named(place, settings, sentence):
    with pytest.raises(CharlmError, match=sentence):
        charlm.train(place / "tale.txt", workspace=place, **settings)


def test_the_prompt_and_the_text_are_cleaned_as_the_training_text_was(tmp_path):
    (tmp_path / "tale.txt").write_text("café\r\n" * 80, encoding="utf-8", newline="")
    run = charlm.train(
        tmp_path / "tale.txt",
        workspace=tmp_path,
        steps=2,
        hidden_size=4,
        normalize="nfc",
        newlines="lf",
        device="cpu",
    )
    assert run.score("cafe\u0301\r\ncafé").num_unknown == 0
    assert len(run.sample(prompt="cafe\u0301\r\n", length=3)) == 3
