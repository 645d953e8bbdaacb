import math

import pytest

from charlm.data.tokenizers.char import CharTokenizer
from charlm.data.tokenizers.records import RecordTokenizer
from charlm.evaluation.unknown import learnt_unknown_nats
from tests.support.encoded import encoded

AB = CharTokenizer("ab")
RECORDS = RecordTokenizer(AB)


def nats(text, tokenizer=AB):
    return learnt_unknown_nats(text, encoded(text, tokenizer), tokenizer)


def test_a_repeated_character_costs_what_its_discount_leaves():
    # After other symbols than before, it was seen once in no context but the empty one.
    assert nats("aaaaxbbbbx") - nats("aaaaxbbbb") == pytest.approx(-math.log(0.3))
    assert nats("abab") == 0.0


def test_the_first_symbol_of_running_text_is_known_but_not_charged():
    assert nats("xab") == 0.0
    assert nats("xaxb") == pytest.approx(nats("axxb") - nats("axb"), rel=0.5)
    assert nats("xaxb") < nats("yaxb")


def test_of_records_every_character_is_charged_and_line_ends_are_none():
    assert nats("x\nab\n", RECORDS) == pytest.approx(nats("ax", CharTokenizer("ab\n")))
    assert nats("a\nb\n", RECORDS) == 0.0


def test_another_text_is_told_from_the_one_that_was_encoded():
    assert learnt_unknown_nats("aab", encoded("axb", AB), AB) is None
