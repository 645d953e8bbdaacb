import numpy as np
import pytest
import torch

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


TALE = "the cat sat on the mat. a dog ran. " * 60


def test_a_string_is_trained_on_as_a_file_is(place):
    settings = {"workspace": place, "steps": 5, "hidden_size": 8, "device": "cpu"}
    from_file = charlm.train(place / "tale.txt", **settings)
    from_string = charlm.train(string=TALE, **settings)
    assert from_string.result.test == from_file.result.test
    assert from_string.tokenizer == from_file.tokenizer


def test_a_string_keeps_its_characters_whatever_the_encoding_of_files(place):
    run = charlm.train(string="naïve 漢 " * 300, workspace=place, model="ngram", order=2, encoding="latin-1")
    assert "漢" in run.tokenizer.to_json()["characters"]


@pytest.mark.parametrize("texts", [{}, {"text": "tale.txt", "string": TALE}])
def test_one_text_is_asked_for(texts):
    with pytest.raises(CharlmError, match="takes one text"):
        charlm.train(**texts)


def test_the_surprisal_sums_to_the_score(place):
    run = charlm.load("mine", workspace=place)
    found = run.surprisal("the cat sat", top=4)
    assert found.nats.sum() == pytest.approx(run.score("the cat sat").total_nats, rel=1e-9)
    assert found.likeliest.shape == (11, 4)
    assert found.alternatives(1)[0] == (run.tokenizer.symbol_name(found.likeliest[1, 0]), found.probabilities[1, 0])


def test_states_are_those_of_the_model_after_each_symbol(place):
    run = charlm.load("mine", workspace=place)
    states = run.states("the cat")
    assert list(states) == ["h", "c"]
    tokens = torch.from_numpy(run.tokenizer.encode("the cat").astype(np.int64))[:, None]
    with torch.no_grad():
        for place_in_text in range(7):
            _, state = run.model(tokens[: place_in_text + 1])
            for array, part in zip(states.values(), state, strict=True):
                assert array[place_in_text] == pytest.approx(part[:, 0].numpy(), abs=1e-5)


@pytest.mark.parametrize(
    ("settings", "shapes"),
    [
        ({"model": "ngram", "order": 3}, {"contexts": (2, 3)}),
        ({"model": "mlp", "window": 4}, {"window": (2, 3)}),
        ({"cell": "gru", "mix": "ngram:2"}, {"h": (2, 2, 8), "contexts": (2, 2)}),
        ({"cell": "st-lstm"}, {"h": (2, 2, 8), "c": (2, 2, 8), "m": (2, 1, 8)}),
    ],
)
def test_states_have_names_and_axes(place, settings, shapes):
    sizes = {} if settings.get("model") == "ngram" else {"hidden_size": 8, "num_layers": 2, "steps": 2}
    run = charlm.train(string=TALE, workspace=place, device="cpu", **sizes, **settings)
    states = run.states("ab")
    assert {name: array.shape for name, array in states.items()} == shapes


def test_a_record_begins_with_the_first_state(place):
    run = charlm.train(
        string="anna\nbob\n" * 200, records="lines", workspace=place, steps=2, hidden_size=4, device="cpu"
    )
    together, alone = run.states("anna\nbob")["h"], run.states("bob")["h"]
    assert np.array_equal(together[-len(alone) :], alone)


@pytest.mark.parametrize("settings", [{"model": "ngram", "order": 3}, {"steps": 2, "hidden_size": 4, "mix": "ngram:2"}])
def test_a_model_without_a_state_reads_from_the_beginning(place, settings):
    run = charlm.train(string=TALE, workspace=place, device="cpu", **settings)
    tokens = torch.tensor([[1, 2], [3, 1]])
    with torch.no_grad():
        logits, _ = run.model(tokens)
        assert torch.equal(logits, run.model(tokens, run.model.initial_state(2))[0])


def test_what_is_shown_has_the_figures(place):
    run = charlm.load("mine", workspace=place)
    assert repr(run).startswith("<Run 'mine': 2 lstm layers of 16 units, ")
    assert f"validation {run._loaded.record.validation['bits_per_character']:.4f} bits/char" in repr(run)
    score = run.score("the cat")
    assert (
        repr(score)
        == f"<Score: {score.bits_per_character:.4f} bits/char, perplexity {score.perplexity:.4g}, 6 characters>"
    )
    assert "step 1" in repr(charlm.train(string=TALE, workspace=place, model="ngram", order=2))


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda run: run.sample("漢"), "use unknown skip"),
        (lambda run: next(run.stream("漢")), "use unknown skip"),
        (lambda run: run.surprisal("ab", top=-1), r"surprisal\(\): top is -1"),
        (lambda run: charlm.train(string=TALE, hidden_size=0), r"train\(\): hidden_size is 0"),
        (lambda run: charlm.train(string=TALE, model="ngram", steps=3), "^steps is for models"),
        (lambda run: charlm.load("lost", workspace="nowhere"), "There is no run 'lost'"),
    ],
)
def test_messages_name_settings_as_python_does(place, call, sentence):
    with pytest.raises(CharlmError, match=sentence) as caught:
        call(charlm.load("mine", workspace=place))
    assert "--" not in str(caught.value)


def test_commands_in_messages_stay_commands(place):
    with pytest.raises(CharlmError, match=r"choose another name, or go on with it: charlm train --resume mine"):
        charlm.train(place / "tale.txt", workspace=place, name="mine", steps=2)


@pytest.fixture(scope="module")
def labels(place):
    names = "".join(
        f"{a}{b}{'o' if language == 'Italian' else 'sen'}\t{language}\n"
        for a in "abcd"
        for b in "ijklmnop"
        for language in ("Italian", "Danish")
    )
    settings = {"steps": 2, "hidden_size": 8, "batch_size": 4, "device": "cpu", "workspace": place}
    charlm.train(string=names, task="classify", name="labels", **settings)
    charlm.train(string=names, task="generate", swap=True, name="writer", **settings)
    charlm.train(string="the\tDET\ncat\tNOUN\n\n" * 20, task="tag", name="tags", split="100/0/0", **settings)
    return place


def test_what_a_model_of_a_task_says_is_what_the_command_prints(labels):
    run = charlm.load("labels", workspace=labels)
    (said,), (shares,) = run.predict(["ano\tx"]), run.probabilities(["ano\tx"])
    assert said == max(shares, key=shares.get) and set(shares) == {"Italian", "Danish"}
    assert run.predict(iter(["", "ano x"])) == ["", said]
    assert set(run.accuracy(split="train")) >= {"examples", "accuracy", "interval", "macro_f1"}
    assert repr(run).endswith("bits/label>")
    writer = charlm.load("writer", workspace=labels)
    assert len(writer.samples(condition="Danish", num_samples=2, length=4, seed=1)) == 2
    assert writer.predict(["ano"])[0] in shares
    tags = charlm.load("tags", workspace=labels).tag(["the  cat", "", "cat"])
    assert [[token for token, _ in each] for each in tags] == [["the", "cat"], [], ["cat"]]


@pytest.mark.parametrize(
    ("name", "call", "sentence"),
    [
        ("labels", lambda run: run.sample(), "classifies examples and continues no text"),
        ("labels", lambda run: run.score("ano"), "continues no text"),
        ("labels", lambda run: run.tag(["ano"]), "'labels' gives no tags; use predict"),
        ("tags", lambda run: run.predict(["ano"]), "'tags' tags tokens; use tag"),
        ("labels", lambda run: run.predict(["a" * 2001]), "'texts', line 1, has 2,001 characters"),
        ("writer", lambda run: run.states("ano"), "continues no text"),
        ("mine", lambda run: run.predict(["ano"]), "'mine' continues text"),
    ],
)
def test_what_a_model_cannot_do_is_one_sentence(labels, name, call, sentence):
    with pytest.raises(CharlmError, match=sentence):
        call(charlm.load(name, workspace=labels))


def test_a_script_that_a_launcher_starts_several_times_trains_nothing(tmp_path, monkeypatch):
    for name, value in {"WORLD_SIZE": "2", "RANK": "1", "MASTER_ADDR": "localhost", "MASTER_PORT": "29500"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(CharlmError, match=r"'charlm.train\(\)' works in one process, and 2 were started"):
        charlm.train(string=TALE, steps=1, workspace=tmp_path)
    assert not list(tmp_path.iterdir())
