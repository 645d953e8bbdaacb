"""A counted run's ARPA file against the run itself: the same code length of the same text."""

import math

import pytest

from charlm.api import load
from charlm.config import by_section, make_request
from charlm.runs.export.arpa import export_arpa
from charlm.runs.reporting import SilentReporter, StopRequest
from charlm.runs.train.start import start
from tests.support.arpa_reader import read_arpa


def exported(text, workspace, **settings):
    """What the reader makes of the file of a run that counts a text."""
    sections = by_section(
        {"corpus": (str(text),), "name": "counted", "device": "cpu", "model": "ngram", "order": 4} | settings
    )
    start(make_request(sections), workspace, SilentReporter(), StopRequest())
    output = workspace.root / "counted.arpa"
    export_arpa("counted", output, workspace)
    return read_arpa(output.read_text(encoding="utf-8"))


def spelt(text):
    """White space, what cannot be printed, and '<' are spelt by their code points."""
    return [each if each.isprintable() and each not in " <" else f"<U+{ord(each):04X}>" for each in text]


def test_a_text_has_the_code_length_that_the_run_says(text, workspace):
    text.write_text("if a < b:\n\tc = \u00e9 \u2028 ok\u00a0\n" * 30, encoding="utf-8", newline="")
    reader = exported(text, workspace)
    other = "ok: b < \u00e9\n\ta \u2028 b\u00a0c"
    nats = -math.log(10) * sum(reader.log10_probabilities_of(spelt(other))[1:])
    assert load("counted", workspace=workspace.root).score(other).total_nats == pytest.approx(nats, rel=1e-5)


def test_an_unknown_character_is_the_word_for_it(text, workspace):
    reader = exported(text, workspace)
    told = reader.log10_probabilities_of([*spelt("the c"), "<unk>", *spelt("t sat")])
    score = load("counted", workspace=workspace.root).score("the c\u00e4t sat")
    assert score.num_unknown == 1
    assert score.total_nats - score.unknown_nats == pytest.approx(-math.log(10) * sum(told[1:]), rel=1e-5)


def test_a_record_begins_and_ends_with_the_words_for_it(text, workspace):
    text.write_text("".join(f"{name}\n" for name in ["anna", "bob", "carla", "dan", "eve"] * 20))
    reader = exported(text, workspace, records="lines")
    names = ["anna", "dana"]
    nats = -math.log(10) * sum(sum(reader.log10_probabilities_of(["<s>", *name, "</s>"])[1:]) for name in names)
    score = load("counted", workspace=workspace.root).score("".join(f"{name}\n" for name in names))
    assert score.total_nats == pytest.approx(nats, rel=1e-5)
