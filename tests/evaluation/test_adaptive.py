import itertools

import numpy as np
import pytest
import torch

from charlm.data.tokenizers.char import CharTokenizer
from charlm.data.tokenizers.records import RecordTokenizer
from charlm.evaluation.adaptive import StaticReader, adapted_nats, text_nats, windows_in_order
from charlm.evaluation.dynamic import DynamicReader, DynamicSettings, gradient_sizes
from charlm.models.base import Network
from charlm.models.mixture import MixedLanguageModel
from charlm.stepping.adaptation import Adaptation, AdaptationSettings, Evidence
from tests.support.encoded import encoded
from tests.support.small_models import KINDS, NUM_SYMBOLS, small_model

CPU = torch.device("cpu")
TEXT = "abcabdacab" * 20 + "cabbage"
LETTERS = CharTokenizer("abcd")
"""With the unknown symbol, five symbols; with records, two letters less."""
RECORDS = RecordTokenizer(CharTokenizer("ab"))
NAMES = "ab\nabba\nb\nbaab\nabab\n" * 8


def adaptation_of(model):
    num_parts = 2 if isinstance(model, MixedLanguageModel) else 1
    return Adaptation(num_parts, NUM_SYMBOLS, AdaptationSettings(order=4, most_contexts=300))


def dynamic_reader(model, *, length, rate=0.01):
    reader = DynamicReader(model, gradient_sizes(model, windows(TEXT, LETTERS, length=5)), DynamicSettings(rate))
    reader.length = length
    return reader


def windows(text, tokenizer, *, length):
    return windows_in_order(encoded(text, tokenizer).tokens, tokenizer, length=length)


def charges(text, model, *, length, make_reader, tokenizer=LETTERS):
    """The nats of each window."""
    reader, adaptation = make_reader(model), adaptation_of(model)
    return [adapted_nats(reader, [window], adaptation) for window in windows(text, tokenizer, length=length)]


def static_reader(model):
    return StaticReader(model, CPU)


def nats_by_hand(model, texts):
    """One symbol at a time: predict, charge, learn."""
    adaptation = adaptation_of(model)
    nats = 0.0
    for symbols in texts:
        state = model.initial_state(1)
        adaptation.begin(symbols[0])
        for symbol, following in itertools.pairwise(symbols):
            parts, state = model.parts(torch.tensor([[symbol]]), state)
            evidence = 0 if parts.totals is None else int(Evidence.of(parts.totals)[0, 0])
            logarithms = [each[0, 0].detach().numpy() for each in parts.log_probabilities]
            nats -= float(np.log(adaptation.predict(logarithms, evidence)[following]))
            adaptation.learn(following)
    return nats


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("length", [1, 7, 2048])
def test_the_code_length_is_that_of_one_symbol_after_the_other(kind, length):
    model = small_model(kind)
    expected = nats_by_hand(model, [LETTERS.encode(TEXT).astype(int).tolist()])
    reader = StaticReader(model, CPU, length=length)
    done = []
    found = text_nats(reader, encoded(TEXT, LETTERS), LETTERS, adaptation_of(model), advance=done.append)
    assert found == pytest.approx(expected, rel=1e-5)
    assert sum(done) == len(TEXT) - 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("length", [1, 20, 2048])
def test_records_are_learnt_in_their_order_each_from_a_fresh_state(kind, length):
    model = small_model(kind)
    records = [RECORDS.encode(name + "\n").astype(int).tolist() for name in NAMES.splitlines()]
    reader = StaticReader(model, CPU, length=length)
    found = text_nats(reader, encoded(NAMES, RECORDS), RECORDS, adaptation_of(model))
    assert found == pytest.approx(nats_by_hand(model, records), rel=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("is_dynamic", [False, True])
def test_a_changed_later_symbol_changes_no_earlier_charge(kind, is_dynamic):
    model = small_model(kind)
    if is_dynamic and not isinstance(model, Network):
        return
    place, length = 123, 6
    changed = TEXT[:place] + "d" + TEXT[place + 1 :]
    make = (lambda model: dynamic_reader(model, length=length)) if is_dynamic else static_reader
    one, other = (charges(text, model, length=length, make_reader=make) for text in (TEXT, changed))
    untouched = (place - 1) // length
    assert one[:untouched] == other[:untouched]
    assert one[untouched] != other[untouched]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("is_dynamic", [False, True])
@pytest.mark.parametrize("place", [1, 120, 121, 125, 160])
def test_what_all_next_symbols_cost_beyond_the_text_before_is_a_code(kind, is_dynamic, place):
    # By the totals alone: they can be a distribution only where no symbol changes what those before it cost.
    model = small_model(kind)
    if is_dynamic and not isinstance(model, Network):
        return
    make = (lambda model: dynamic_reader(model, length=6)) if is_dynamic else static_reader
    before = sum(charges(TEXT[:place], model, length=6, make_reader=make))
    totals = [sum(charges(TEXT[:place] + each, model, length=6, make_reader=make)) for each in "abcd?"]
    assert np.exp(before - np.array(totals)).sum() == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("is_dynamic", [False, True])
def test_restarting_gives_the_same_figure_to_the_bit(is_dynamic):
    model = small_model()
    make = (lambda model: dynamic_reader(model, length=9)) if is_dynamic else static_reader
    first, second = (charges(TEXT, model, length=9, make_reader=make) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_text_repeats_gets_cheaper(kind):
    found = charges("abcdbacadb" * 30, small_model(kind), length=30, make_reader=static_reader)
    assert found[-1] < 0.2 * found[0]


def test_two_symbols_cost_one():
    model = small_model()
    (one,) = charges("ab", model, length=2048, make_reader=static_reader)
    assert one == pytest.approx(nats_by_hand(model, [LETTERS.encode("ab").astype(int).tolist()]), rel=1e-5)
    (other,) = charges("ab", model, length=20, make_reader=lambda each: dynamic_reader(each, length=20))
    assert other == pytest.approx(one, rel=1e-5)
