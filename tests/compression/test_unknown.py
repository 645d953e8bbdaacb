import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charlm.compression.unknown import LearntCharacters, PackedCharacters
from charlm.data.tokenizers.char import CharTokenizer
from charlm.files.errors import UntrustedFileError
from charlm.stepping.unknown import UnknownCharacters, unknown_text

LETTERS = CharTokenizer("abcde\u5b57")
CODERS = {"packed": PackedCharacters, "learnt": lambda: LearntCharacters(UnknownCharacters(LETTERS))}
BLOCKS = st.lists(st.text(st.sampled_from("abx\u00e9\u5b58\udcff\n")) | st.text(), max_size=4)


@pytest.mark.parametrize("make", CODERS.values(), ids=CODERS)
@settings(max_examples=30)
@given(blocks=BLOCKS)
def test_characters_come_back_block_by_block(make, blocks):
    coder, decoder = make(), make()
    for text in blocks:
        tokens, unknown = LETTERS.encode(text), unknown_text(text, LETTERS)
        tried = coder.copy().pack(tokens, unknown)
        packed = coder.pack(tokens, unknown)
        assert tried == packed
        assert bool(packed) == bool(unknown)
        assert decoder.unpack(tokens, packed) == unknown


def test_the_code_is_as_long_as_its_charge():
    codes = 0x4E00 + np.random.default_rng(1).integers(0, 30, 900) ** 2
    text = "ab".join(map(chr, codes))
    tokens, unknown = LETTERS.encode(text), unknown_text(text, LETTERS)
    nats = 0.0

    def charge(weights, actual):
        nonlocal nats
        nats -= math.log(weights[actual] / weights.sum())
        return actual

    UnknownCharacters(LETTERS).read(tokens, unknown, charge)
    packed = CODERS["learnt"]().pack(tokens, unknown)
    assert len(packed) == pytest.approx(nats / math.log(2) / 8, rel=0.001, abs=8)
    assert len(packed) < 0.9 * len(PackedCharacters().pack(tokens, unknown))


@settings(max_examples=30)
@given(packed=st.binary(max_size=60))
def test_forged_bytes_are_refused_or_read(packed):
    tokens = LETTERS.encode("axxbx\u5b58x\u5b59xx")
    try:
        found = CODERS["learnt"]().unpack(tokens, packed)
    except UntrustedFileError:
        return
    assert unknown_text(found, LETTERS) == found and len(found) == 8
