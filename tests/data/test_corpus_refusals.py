"""Texts that are too short for their split, or that change while they are read."""

from dataclasses import replace

import pytest

from charlm.data.inputs import CorpusText
from charlm.data.sources import StringSource
from charlm.data.survey import survey
from charlm.errors import DataError
from tests.support.corpora import SPLIT, Progress, decoded, folders, one_text, prepare


@pytest.mark.parametrize(
    ("text", "split", "message"),
    [
        ("", SPLIT, "'notes' is empty; give another text."),
        ("a", SPLIT, "'notes' has 1 character; at least 2 characters are needed. Use a longer text."),
        (
            "a" * 30,
            (0.9, 0.05, 0.05),
            "'notes' has 30 characters, of which the split 90/5/5 leaves 1 for the test; at least 2 characters are "
            "needed. Use a longer text, or --split 100/0/0 to train on all of it.",
        ),
        (
            "a" * 30,
            (0.01, 0.99, 0),
            "'notes' has 30 characters, of which the split 1/99/0 leaves 0 for training; at least 2 characters are "
            "needed. Use a longer text, or --split 100/0/0 to train on all of it.",
        ),
    ],
)
def test_a_text_too_short_for_its_split_is_refused_in_one_sentence(tmp_path, text, split, message):
    with pytest.raises(DataError) as raised:
        prepare(one_text(text, split=split), tmp_path)
    assert str(raised.value) == message
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\n\r\n\n", "'notes' has no line that is not empty, so it has no records; give another text."),
        (
            "anna\nbob\n",
            "'notes' has 2 records, of which the split 90/5/5 leaves 0 for validation; at least 1 record is needed. "
            "Use a longer text, or --split 100/0/0 to train on all of it.",
        ),
    ],
)
def test_too_few_records_are_refused_in_one_sentence(tmp_path, text, message):
    with pytest.raises(DataError) as raised:
        prepare(one_text(text, split=(0.9, 0.05, 0.05)), tmp_path, records=True)
    assert str(raised.value) == message


def test_a_part_that_is_one_symbol_is_refused(tmp_path):
    text = " cat" * 800
    split = (1 - 4 / 3200, 4 / 3200, 0.0)
    with pytest.raises(DataError, match=r"leaves 4 \(1 symbol\) for validation; at least 2 symbols are needed"):
        prepare(
            one_text(text, split=split), tmp_path, kind="sentencepiece", vocabulary_size=280, sentencepiece_model="bpe"
        )
    assert folders(tmp_path) == []


def test_two_symbols_are_enough(tmp_path):
    corpus = prepare(one_text("ab", split=(1.0, 0.0, 0.0)), tmp_path)
    assert decoded(corpus, corpus.train) == "ab"


def test_a_validation_text_of_its_own_that_is_too_short_is_named(tmp_path):
    text = CorpusText("mine", StringSource("abcabc"), StringSource("a", "held-out"), None, None, ())
    with pytest.raises(DataError, match="'held-out' has 1 character; at least 2 characters are needed"):
        prepare(text, tmp_path)


def test_a_text_that_shrinks_while_it_is_read_is_told():
    layout = survey(one_text("hello world " * 9), records=False, progress=Progress())
    (block,) = layout.blocks
    shrunk = replace(layout, blocks=(replace(block, source=StringSource(("hello world " * 9)[:-1], "notes")),))
    with pytest.raises(DataError, match="'notes' changed while it was read"):
        [list(pieces) for _, pieces in shrunk.parts()]
