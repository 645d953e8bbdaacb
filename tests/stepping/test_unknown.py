import copy
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charlm.data.tokenizers.char import CharTokenizer
from charlm.data.tokenizers.records import RecordTokenizer
from charlm.stepping import unknown
from charlm.stepping.unknown import UnknownCharacters, unknown_text

LETTERS = CharTokenizer("abcdefgh\u6570\u5b57")
AB = CharTokenizer("ab")
TEXTS = st.text(st.sampled_from("abc\u6570\u5b58\u5b59\u03b1\udc80") | st.characters(codec="utf-8"))


def charges(model, text, tokenizer):
    """The nats of each unknown character, which the model reads next."""
    found = []

    def charge(weights, actual):
        assert (weights >= 0.0).all()
        found[-1] -= math.log(weights[actual] / weights.sum())
        return actual

    for character in text:
        symbols = tokenizer.encode(character)
        found.append(0.0)
        model.read(symbols, unknown_text(character, tokenizer), charge)
        if symbols[0] != tokenizer.unknown:
            assert found.pop() == 0.0
    return found


@pytest.mark.parametrize("before", ["", "abxaby\u03a9abx"])
def test_the_probabilities_of_all_characters_without_a_symbol_sum_to_one(before, monkeypatch):
    # As if Unicode had 4,096 code points.
    monkeypatch.setattr(unknown, "_NUM_CODE_POINTS", 4096)
    model = UnknownCharacters(AB)
    charges(model, before, AB)
    others = [chr(code) for code in range(4096) if chr(code) not in "ab"]
    total = sum(math.exp(-charges(copy.deepcopy(model), character, AB)[0]) for character in others)
    assert total == pytest.approx(1.0, abs=1e-9)


def test_the_first_character_is_found_by_the_blocks_of_its_code_point():
    # Of 272 blocks of 4,096 code points, the first has both letters, and another one surrogates but those of 128 bytes.
    of_block = 4096 / (4094 * 3 + 270 * 4096 + 2048 + 128)
    assert charges(UnknownCharacters(AB), "\u4e00", AB) == pytest.approx([-math.log(of_block / 16**3)])
    # 94 of the first 256 code points of "ab" and its kind are not as near as those of its own 16.
    first = 4094 * 3 / (4094 * 3 + 270 * 4096 + 2048 + 128)
    own = first * (254 * 3 / (254 * 3 + 15 * 256)) * (14 * 3 / (14 * 3 + 15 * 16)) / 14
    assert charges(UnknownCharacters(AB), "c", AB) == pytest.approx([-math.log(own)])


def test_a_character_comes_again_as_the_counts_of_what_came_before_it_say():
    # Seen once after no, one, … and four symbols, each time less a discount of 0.7.
    _, again = charges(UnknownCharacters(AB), "aaaaxaaaax", AB)
    assert again == pytest.approx(-math.log(1 - 0.7**5))
    # After other symbols, only what is seen without looking at them counts.
    _, elsewhere = charges(UnknownCharacters(AB), "aaaaxbbbbx", AB)
    assert elsewhere == pytest.approx(-math.log(0.3))


def test_scripts_that_came_are_likely():
    greek = charges(UnknownCharacters(LETTERS), "\u03b1\u03b2\u03b3\u03b4\u03b5", LETTERS)
    assert greek[0] > greek[1] > greek[2] and greek[4] < greek[0] - 2.0
    assert charges(UnknownCharacters(LETTERS), "\u6571", LETTERS) < charges(UnknownCharacters(AB), "\u6571", AB)


@settings(max_examples=30)
@given(text=TEXTS, more=TEXTS)
def test_later_characters_change_no_earlier_charge_and_restarting_gives_the_same(text, more):
    first, second = (charges(UnknownCharacters(LETTERS), each, LETTERS) for each in (text, text + more))
    assert second[: len(first)] == first


@settings(max_examples=12)
@given(text=TEXTS, most_met=st.sampled_from([4, 1000]), most_contexts=st.sampled_from([6, 1 << 17]))
def test_stretches_are_read_as_one_text_whatever_is_forgotten(text, most_met, most_contexts):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(unknown, "_MOST_MET", most_met)
        patch.setattr(unknown, "_MOST_CONTEXTS", most_contexts)
        nats = 0.0

        def charge(weights, actual):
            nonlocal nats
            nats -= math.log(weights[actual] / weights.sum())
            return actual

        one, other = UnknownCharacters(LETTERS), UnknownCharacters(LETTERS)
        assert one.read(LETTERS.encode(text), unknown_text(text, LETTERS), charge) == unknown_text(text, LETTERS)
        assert nats == pytest.approx(sum(charges(other, text, LETTERS)))


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(unknown, "_MOST_MET", 50)
    model = UnknownCharacters(AB)
    charges(model, "".join(map(chr, range(0x4E00, 0x4E00 + 130))), AB)
    assert len(model._met) == len(model._numbers) == 30


@pytest.mark.parametrize(
    ("tokenizer", "expected"),
    [(AB, "x\n\u00e9x\n"), (RecordTokenizer(AB), "x\u00e9x"), (CharTokenizer("abx\n\u00e9"), "")],
)
def test_the_unknown_characters_of_a_text(tokenizer, expected):
    assert unknown_text("axb\n\u00e9abx\n", tokenizer) == expected
    assert np.count_nonzero(tokenizer.encode("axb\n\u00e9abx\n") == tokenizer.unknown) == len(expected)
