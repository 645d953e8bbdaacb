"""The page of a run: what it tells, what it computes, and what it refuses."""

import math
import re

import pytest

from charlm.api import load
from charlm.config import by_section, make_request
from charlm.errors import CheckpointError, ConfigError
from charlm.runs.export.page import export_page, page_of
from charlm.runs.reporting import SilentReporter
from tests.support.javascript import needs_node, run_script
from tests.support.pages import model_in, text_of, weights_in
from tests.support.training_runs import train_whole

QUESTION = "the dog sat on the pen. we ran"
MEASURE = """
const network = new Network(given.model.network, unpackArrays(given.model.arrays, bytesOf(given.weights)));
const measurement = new Measurement(network, new Tokenizer(given.model.tokenizer), given.text,
  { unit: { layer: 0, unit: 0 }, top: 3 });
while (!measurement.finished) measurement.next();
return measurement.bitsPerCharacter;
"""


class Notes(SilentReporter):
    """Keeps the notes."""

    def __init__(self):
        self.notes = []

    def note(self, sentence):
        self.notes.append(sentence)


@pytest.fixture
def make_page(small_request, workspace):
    """A function that trains a run and returns its page."""

    def make(weights="float32", **settings):
        train_whole(small_request(name="run", **settings), workspace)
        return page_of("run", workspace, SilentReporter(), weights=weights)

    return make


@needs_node
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"cell": "gru"},
        {"tokenizer": "byte"},
        {"tokenizer": "sentencepiece", "vocabulary_size": 280},
        {"records": "lines"},
        {"embedding_size": 8, "tie_weights": True, "layer_norm": True},
    ],
    ids=str,
)
def test_a_text_has_the_score_that_charlm_gives_it(make_page, workspace, text, settings):
    text.write_text(text.read_text().replace(". ", ".\n"))
    page = make_page(**settings)
    found = run_script(MEASURE, model=model_in(page), weights=weights_in(page), text=QUESTION + "~")
    expected = load("run", workspace=workspace.root).score(QUESTION + "~").bits_per_character
    assert found == pytest.approx(expected, abs=1e-4 / math.log(2))


def test_a_page_tells_of_the_run_but_not_of_the_folders_of_the_machine(make_page, workspace):
    page = make_page()
    shown = text_of(page)
    assert "tale, split 90/5/5" in shown
    assert re.search(r"<strong>\d\.\d{4}</strong><span>bits per character, validation text</span>", shown)
    assert 'aria-label="Bits per character over the steps of the training: training from' in shown
    assert "8 bits" not in shown
    assert "n-grams" not in shown
    assert str(workspace.root) not in page.decode()


def test_of_a_mixed_run_the_page_has_the_network_alone_and_says_so_with_both_scores(make_page):
    page = make_page(mix="ngram:3")
    shown = text_of(page)
    assert "mixes its network with n-grams up to order 3. This page has the network alone" in shown
    assert re.search(r"<strong>\d\.\d{4}</strong><span>bits per character, validation text, this network alone<", shown)
    assert re.search(r"<strong>\d\.\d{4}</strong><span>bits per character, validation text, with n-grams<", shown)
    assert "A recurrent network, lstm 2 x 8, trained on tale." in shown
    assert [each["name"] for each in model_in(page)["arrays"]][-1] == "output.bias"


def test_eight_bits_take_a_quarter_of_the_space_and_are_said(make_page, workspace):
    exact = make_page(hidden_size=64)
    rounded = page_of("run", workspace, SilentReporter(), weights="int8")
    assert len(weights_in(rounded)) < 0.3 * len(weights_in(exact))
    assert "rounded to 8 bits" in text_of(rounded)


def test_a_page_of_two_layers_of_256_units_with_eight_bits_is_below_two_megabytes(make_page):
    page = make_page("int8", hidden_size=256, embedding_size=256, num_layers=2, steps=1, tokenizer="byte")
    assert len(page) < 2e6


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": "mlp"}, "'run' has a feed-forward network, which a page cannot compute; it can lstm,"),
        ({"cell": "jordan", "num_layers": 1}, "'run' has the cell jordan, which a page cannot compute; it can lstm,"),
        ({"cell": "st-lstm"}, "'run' has the cell st-lstm, which a page cannot compute; it can lstm,"),
    ],
)
def test_another_kind_of_model_is_refused_by_name(make_page, settings, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        make_page(**settings)


def test_counts_are_refused_with_the_format_that_holds_them(workspace, text):
    sections = by_section({"corpus": (str(text),), "name": "run", "device": "cpu", "model": "ngram", "order": 2})
    train_whole(make_request(sections), workspace)
    with pytest.raises(ConfigError, match=r"is an n-gram model, and a page holds a network.*charlm export arpa run"):
        page_of("run", workspace, SilentReporter())


def test_a_run_that_labels_examples_is_refused(make_page, text):
    text.write_text("".join(f"a{number} b\t{'xy'[number % 2]}\n" for number in range(200)))
    with pytest.raises(ConfigError, match="classifies examples and continues no text"):
        make_page(task="classify")


def test_a_checkpoint_that_lies_alone_has_a_page_without_curves(make_page, workspace, tmp_path):
    make_page()
    alone = tmp_path / "alone.safetensors"
    (workspace.checkpoints / "run" / "best.safetensors").rename(alone)
    page = page_of(str(alone), workspace, SilentReporter())
    assert "<figure" not in text_of(page)
    assert model_in(page)["network"]["hidden"] == 8


def test_before_there_is_a_best_model_the_last_state_is_on_the_page_and_it_is_said(make_page, workspace):
    make_page(mix="ngram:3")
    (workspace.checkpoints / "run" / "best.safetensors").unlink()
    reporter = Notes()
    page = page_of("run", workspace, reporter)
    assert reporter.notes == [
        "Run 'run' has no best model yet; this is its state after step 12, its network without the n-grams."
    ]
    assert "this is its state after step 12" in text_of(page)


def test_a_folder_that_cannot_be_written_is_a_sentence_and_nothing_is_left(make_page, workspace, tmp_path):
    make_page()
    with pytest.raises(CheckpointError, match="Cannot write"):
        export_page("run", tmp_path / "nowhere" / "x.html", workspace, SilentReporter())
    assert not (tmp_path / "nowhere").exists()


def test_what_a_person_has_named_becomes_no_markup(small_request, workspace, text):
    odd = text.with_name("<img src=x onerror=alert(1)>.txt")
    odd.write_text("a</script><b>&\u2028\x01" * 200, encoding="utf-8")
    train_whole(small_request(name="run", corpus=(str(odd),)), workspace)
    page = page_of("run", workspace, SilentReporter()).decode()
    assert "<img" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert page.count("</script>") == 3
    assert model_in(page.encode())["tokenizer"]["characters"] == "".join(sorted(set("a</script><b>&\u2028\x01")))
