import json

import pytest

from tests.support.commands import SMALL

BAD = [
    (["--unit", "3:1"], "'3:1' is not a unit of this network; they are called LAYER:UNIT, from 1:1 to 2:"),
    (["--unit", "\x1b[31m"], "is not a unit"),
    (["--set", "1:1=nan"], "needs a number for the unit, such as 1:1=1"),
    (["--set", "1:1"], "needs a number"),
    (["--set", "0:1=1"], "is not a unit"),
    (["--set", "1:1=1", "--unit", "1:1"], "leave out TEXT and --unit"),
    (["--length", "10"], "--length is for --set"),
    (["--symbols", "3"], "--symbols"),
    (["no-such-file.txt"], "no-such-file.txt"),
    (["short.txt"], "at least 256 are needed"),
]


@pytest.fixture
def long_text(charlm, folder):
    lines = 'She said "no (never)".\nThen Ann went.\n\nPart two\n\n'
    (folder / "long.txt").write_text(lines * 90)
    (folder / "short.txt").write_text("abc")
    if not (folder / "checkpoints" / "quoting").exists():
        charlm("train", "long.txt", "--name", "quoting", "--steps", "3", "-q", *SMALL)
    return "long.txt"


def test_units_are_measured_against_each_property(charlm, folder, long_text):
    report = json.loads(charlm("inspect", "units", "quoting", long_text, "-q", "--json")[0])
    assert report["value"] == "c"
    found = {(each["property"], each["measure"]) for each in report["effects"]}
    assert ("inside quotes", "d") in found
    assert ("place in the line", "r") in found
    effects = [each for each in report["effects"] if each["property"] == "after a line end"]
    assert len(effects) == 3
    assert all(each["mean_if_so"] is not None for each in effects)
    excerpt = report["excerpts"][0]
    assert len(excerpt["pieces"]) == len(excerpt["values"])
    assert "".join(excerpt["pieces"]) in (folder / long_text).read_text()


def test_text_is_shown_with_the_values_below_it(charlm, long_text):
    out, _ = charlm("inspect", "units", "quoting", long_text, "--unit", "2:3", "-q")
    assert "unit 2:3" in out
    assert "Values are c, a unit's memory" in out
    lines = out.splitlines()
    text = next(index for index, line in enumerate(lines) if line.startswith('She said "no (never)".'))
    assert set(lines[text + 1]) <= set("▁▂▃▄▅▆▇█")
    assert len(lines[text + 1]) == len(lines[text])


def test_a_text_cannot_steer_a_terminal(charlm, folder):
    (folder / "evil.txt").write_text("[bold]a\x1b[31mb\u202ec[/bold]\n" * 100)
    out, _ = charlm("inspect", "units", "demo", "evil.txt", "-q")
    assert "\x1b" not in out
    assert "\u202e" not in out


def test_a_held_unit_changes_what_is_written(charlm):
    arguments = ["inspect", "units", "demo", "--length", "60", "--seed", "3"]
    sample = json.loads(charlm(*arguments, "--set", "2:1=50", "--set", "1:2=-50", "--json")[0])
    assert sample["held"] == ["2:1=50", "1:2=-50"]
    assert sample["free_text"] != sample["held_text"]
    assert sample["free_text"] == json.loads(charlm("sample", *arguments[2:], "--json")[0])[0]["text"]
    out, _ = charlm(*arguments, "--set", "2:1=50")
    assert "with 2:1=50, seed 3" in out


@pytest.mark.parametrize(("arguments", "message"), BAD)
@pytest.mark.usefixtures("long_text")
def test_bad_input_is_one_sentence(charlm, arguments, message):
    code = 1 if arguments[0].endswith(".txt") else 2
    assert message in charlm("inspect", "units", "demo", *arguments, code=code)[1]


NETWORK = ["--steps", "2", "--hidden-size", "8", "--num-layers", "2", "--device", "cpu", "-q"]
KINDS = {
    "st-lstm": (["--cell", "st-lstm"], "c"),
    "jordan": (["--cell", "jordan"], "h"),
    "mlp": (["--model", "mlp"], "h"),
    "mlp-mixed": (["--model", "mlp", "--mix", "ngram:3"], "h"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_network_has_units(charlm, long_text, kind):
    options, value = KINDS[kind]
    charlm("train", "t.txt", "--name", kind, *options, *NETWORK)
    report = json.loads(charlm("inspect", "units", kind, long_text, "-q", "--json")[0])
    assert report["value"] == value
    assert {each["unit"].partition(":")[0] for each in report["effects"]} <= {"1", "2"}
    assert "unit 2:8" in charlm("inspect", "units", kind, long_text, "--unit", "2:8", "-q")[0]
    arguments = ["--length", "40", "--seed", "3", "--json"]
    held = ["--set", "2:1=50", "--set", "1:2=-50"]
    sample = json.loads(charlm("inspect", "units", kind, *held, *arguments)[0])
    assert sample["free_text"] != sample["held_text"]
    assert sample["free_text"] == json.loads(charlm("sample", kind, *arguments)[0])[0]["text"]


def test_records_have_properties_of_their_own(charlm, folder):
    (folder / "names.txt").write_text("".join(f'Ann "{"o" * (each % 7)}" Lee\n' for each in range(600)))
    charlm("train", "names.txt", "--records", "lines", "--name", "names", *NETWORK)
    report = json.loads(charlm("inspect", "units", "names", "-q", "--json")[0])
    properties = {each["property"] for each in report["effects"]}
    assert properties == {"inside quotes", "upper case", "place in the line", "place in the word"}
    assert set("".join(report["excerpts"][0]["pieces"])) <= set('Ann "o" Lee\n')
    assert "unit 1:1" in charlm("inspect", "units", "names", "--unit", "1:1", "-q")[0]
    assert "with 1:1=9" in charlm("inspect", "units", "names", "--set", "1:1=9")[0]


def test_a_run_without_a_best_model_shows_its_last(charlm, folder, long_text):
    charlm("train", "t.txt", "--name", "begun", *NETWORK)
    (folder / "checkpoints" / "begun" / "best.safetensors").unlink()
    for arguments in ([long_text], ["--set", "1:1=1", "--length", "5"]):
        out, err = charlm("inspect", "units", "begun", *arguments)
        assert "has no best model yet; this is its state after step 2" in err
        assert out


def test_an_n_gram_model_has_none(charlm):
    charlm("train", "t.txt", "--name", "counts", "--model", "ngram", "--order", "2", "-q")
    for option in ([], ["--unit", "1:1"], ["--set", "1:1=1"]):
        message = charlm("inspect", "units", "counts", *option, code=2)[1]
        assert "'counts' is an n-gram model: it counts, and has no units to look at." in message


def test_the_network_of_a_mixture_is_measured(charlm, long_text):
    small = ["--hidden-size", "8", "--num-layers", "1", "--device", "cpu", "-q"]
    charlm("train", "t.txt", "--name", "mixed", "--mix", "ngram:3", "--cell", "gru", "--steps", "2", *small)
    report = json.loads(charlm("inspect", "units", "mixed", long_text, "-q", "--json")[0])
    assert report["value"] == "h"
    charlm("inspect", "units", "mixed", "--set", "1:8=1", "--length", "20")
