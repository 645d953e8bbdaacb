import json
from pathlib import Path
from typing import Any

import pytest

from charlm.cli.app import USAGE, run
from tests.support.commands import stdin_of
from tests.support.names import write_names

SMALL = [
    "--hidden-size",
    "8",
    "--num-layers",
    "1",
    "--batch-size",
    "16",
    "--evaluations",
    "2",
    "--precision",
    "fp32",
    "--threads",
    "1",
]


@pytest.fixture
def classifier(charlm: Any) -> Any:
    if not Path("checkpoints/names").exists():
        write_names(Path("names.tsv"))
        charlm("train", "names.tsv", "--task", "classify", "--name", "names", "--steps", "120", *SMALL)
    return charlm


def test_each_line_gets_one_prediction(classifier: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("new.txt").write_text("kumelsen\n\nkumelez\tNorthern\n")
    assert classifier("predict", "names", "new.txt")[0] == "Northern\n\nSouthern\n"
    stdin_of(b"kumelov\r\nkumelsen", monkeypatch)
    assert classifier("predict", "names")[0] == "Eastern\nNorthern\n"
    label, share, *_ = classifier("predict", "names", "new.txt", "--probabilities")[0].splitlines()[0].split("\t")
    assert label == "Northern" and float(share) > 0.5
    lines = [json.loads(line) for line in classifier("predict", "names", "new.txt", "--json")[0].splitlines()]
    assert [line["label"] for line in lines] == ["Northern", None, "Southern"]
    assert set(lines[0]["probabilities"]) == {"Northern", "Eastern", "Southern"}


def test_accuracy_is_measured_beside_simple_models(classifier: Any) -> None:
    value = json.loads(classifier("eval", "accuracy", "names", "--json", "--confusion")[0])
    assert value["task"] == "classify" and value["accuracy"] > 0.9 and value["interval"][0] < value["accuracy"]
    assert set(value["baselines"]) == {"most frequent label", "naive Bayes"}
    assert value["examples"] == sum(row["support"] for row in value["labels"])
    assert sum(sum(each.values()) for each in value["confusion"].values()) == value["examples"]
    out, _ = classifier("eval", "accuracy", "names", "names.tsv")
    assert "95 % interval" in out and "naive Bayes" in out and "Southern" in out
    Path("right.tsv").write_text("kumelsen\tNorthern\n")
    assert "No label was taken for another." in classifier("eval", "accuracy", "names", "right.tsv", "--confusion")[0]


def test_a_training_says_what_is_next_and_counts_labels(charlm: Any) -> None:
    write_names(Path("names.tsv"))
    out, err = charlm("train", "names.tsv", "--task", "classify", "--steps", "2", "--name", "told", *SMALL)
    assert "charlm predict told" in out and "bits/label" in out and "bits/byte" not in out
    assert "labels, train" in err and "bits/label" in err
    # 768 examples, divided by a hash of what is read; 16 at a time make 44 steps of the 702 for training.
    assert "train 702, valid 32, test 34 examples" in err and "batches        16 examples, 44 steps an epoch" in err


def test_losses_are_told_per_label_wherever_they_stand(classifier: Any) -> None:
    assert "bits per" in classifier("list")[0] and "label" in classifier("list")[0]
    units = {row["name"]: row["unit"] for row in json.loads(classifier("list", "--json")[0])}
    assert units["names"] == "label" and set(units.values()) == {"char", "label"}
    out, _ = classifier("info", "names")
    assert "nats/label at step" in out and "nats/symbol" not in out and ", nats/label" in out
    Path("long.tsv").write_text("".join(f"{'ab' * 50}{number}\t{number % 2}\n" for number in range(40)))
    slow = ("--steps", "1", "--learning-rate", "1e-9", "--split", "50/50/0")
    out, _ = classifier("train", "long.tsv", "--task", "classify", *slow, "--name", "slow", *SMALL)
    assert "The validation examples are predicted no better than by a unigram model" in out
    assert "how frequent each label is" in out and "nats/label). Try" in out
    assert "abab…: " in out and "ab" * 45 not in out


def test_a_training_of_answers_counts_their_symbols_without_the_ends(charlm: Any) -> None:
    Path("words.tsv").write_text("".join(f"{a}{b}\t{b}{a}\n" for a in "abcdef" for b in "abcdef"))
    _, err = charlm("train", "words.tsv", "--task", "transduce", "--split", "100/0/0", "--steps", "1", *SMALL)
    assert "symbols, train  a 12, b 12, c 12, d 12, e 12, f 12\n" in err
    # A network that has learnt nothing may well answer nothing.
    answers = charlm("predict", "words", "words.tsv", "--probabilities")[0]
    assert "(empty)\t0." in answers and not any("" in line.split("\t") for line in answers.splitlines())


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("eval perplexity names", "charlm predict names"),
        ("sample names", "charlm predict names"),
        ("predict demo", "charlm sample demo"),
        ("eval accuracy demo", "charlm eval perplexity demo"),
        ("train names.tsv --header", "--header is for --task classify"),
        ("train names.tsv --task sing", "sing"),
        ("predict names new.txt --beam 3", "--beam is for models of --task transduce; 'names' is none"),
        ("predict names new.txt --sentences", "--sentences is for models of --task tag, of columns"),
    ],
)
def test_the_wrong_command_is_refused_and_the_right_one_named(
    classifier: Any, words: str, problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words.split()) == USAGE
    assert problem in capsys.readouterr().err


def test_a_line_that_is_no_example_ends_a_training_with_its_place(
    charlm: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("bad.tsv").write_text("a\tx\nb\n")
    assert run(["train", "bad.tsv", "--task", "classify", "--steps", "2"]) == 1
    assert "'bad.tsv', line 2, has no tab: 'b'" in capsys.readouterr().err


def test_the_first_line_of_files_is_left_out_as_in_training(charlm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    write_names(Path("names.tsv"))
    Path("headed.tsv").write_text("name\tregion\n" + Path("names.tsv").read_text())
    charlm("train", "headed.tsv", "--task", "classify", "--name", "headed", "--header", "--steps", "2", *SMALL)

    def texts(*arguments: str) -> list[str]:
        return [json.loads(line)["text"] for line in charlm("predict", "headed", *arguments, "--json")[0].splitlines()]

    Path("one.tsv").write_text("name\tregion\nkumelsen\tNorthern")
    Path("two.tsv").write_text("name\nkumelez\n")
    assert texts("one.tsv", "two.tsv") == ["kumelsen", "kumelez"]
    assert texts("one.tsv", "two.tsv", "--no-header") == ["name", "kumelsen", "name", "kumelez"]
    assert "--no-header" in charlm("predict", "headed", "one.tsv")[1]
    for options, expected in (((), ["name", "kumelez"]), (("--header",), ["kumelez"])):
        stdin_of(b"name\nkumelez\n", monkeypatch)
        assert texts(*options) == expected
    Path("long.tsv").write_text("name\n" + 3000 * "a")
    assert "'long.tsv', line 2, has 3,000 characters" in charlm("predict", "headed", "long.tsv", code=1)[1]
