import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.compression.coder import decode, encode, weights_of
from charlm.compression.lanes import LaneReader, cut_lanes
from charlm.config import ModelConfig
from charlm.errors import CharlmError
from charlm.files.errors import UntrustedFileError
from charlm.models.build import arrays_of, build_network
from charlm.stepping.build import build_step_model
from tests.support.compressing import TEXT, coding_of, silent
from tests.support.small_networks import draw_weights

CHAR = coding_of("char")
NAMES = coding_of("char", "lines")


def reader_of(coding, num_lanes: int = 1) -> LaneReader:
    return LaneReader(coding.model, coding.tokenizer, num_lanes=num_lanes)


def symbols_of(coding, text: str) -> np.ndarray:
    tokens = coding.tokenizer.encode(text)
    return tokens if coding.tokenizer.begin is None else tokens[tokens != coding.tokenizer.begin]


@pytest.mark.parametrize("num_lanes", [1, 3, 8])
@pytest.mark.parametrize("coding", [CHAR, NAMES], ids=["text", "records"])
@given(texts=st.lists(st.text("athe \n"), min_size=1, max_size=3))
def test_symbols_come_back_block_by_block(coding, num_lanes, texts):
    writing, reading = reader_of(coding, num_lanes), reader_of(coding, num_lanes)
    for text in texts:
        tokens = symbols_of(coding, text)
        lanes = cut_lanes(tokens, num_lanes=num_lanes, end=coding.tokenizer.end)
        code = encode(writing, lanes, advance=silent)
        found = decode(reading, code, list(map(len, lanes)), advance=silent)
        assert [lane.tolist() for lane in found] == [lane.tolist() for lane in lanes]
        assert np.concatenate(found).tolist() == tokens.tolist()


@pytest.mark.parametrize("coding", [CHAR, NAMES], ids=["text", "records"])
def test_code_is_as_long_as_the_code_length(coding):
    tokens = symbols_of(coding, TEXT)
    code = encode(reader_of(coding), [tokens], advance=silent)
    reader, nats = reader_of(coding), 0.0
    for token in tokens:
        logits = reader.logits()[0].astype(np.float64)
        nats += math.log(np.exp(logits - logits.max()).sum()) + logits.max() - logits[token]
        reader.last = np.array([token])
    assert 8 * len(code) <= 1.001 * nats / math.log(2) + 64


@pytest.mark.parametrize("num_lanes", [1, 4])
def test_a_network_decodes_what_it_encoded(num_lanes):
    config = ModelConfig(hidden_size=6, embedding_size=4, num_layers=2)
    size = CHAR.tokenizer.vocabulary_size
    network = build_network(config, vocabulary_size=size)
    draw_weights(network, deviation=0.7)
    model = build_step_model(config, arrays_of(network), vocabulary_size=size, source="here")
    tokens = symbols_of(CHAR, TEXT[:300])
    lanes = cut_lanes(tokens, num_lanes=num_lanes, end=None)
    reader, again = (LaneReader(model, CHAR.tokenizer, num_lanes=num_lanes) for _ in range(2))
    found = decode(again, encode(reader, lanes, advance=silent), list(map(len, lanes)), advance=silent)
    assert np.array_equal(np.concatenate(found), tokens)


@given(st.lists(st.floats(-30, 30, width=32), min_size=2, max_size=9))
def test_weights_are_the_probabilities_to_a_thousandth(logits):
    row = np.array([logits], dtype=np.float32)
    weights = weights_of(row)[0].astype(np.float64)
    exact = np.exp(row[0].astype(np.float64) - row.max())
    assert np.all(np.abs(weights - exact) <= exact / 1000 + 2.0**-24)


def test_logits_that_are_not_finite_are_refused():
    for wrong in (np.nan, np.inf):
        with pytest.raises(CharlmError, match="not finite"):
            weights_of(np.array([[0.0, wrong]], dtype=np.float32))
    assert weights_of(np.array([[0.0, -np.inf]], dtype=np.float32))[0, 1] < 1e-7


@given(st.binary(max_size=40), st.integers(0, 200))
def test_forged_code_is_refused_or_decoded(code, length):
    try:
        (found,) = decode(reader_of(CHAR), code, [length], advance=silent)
    except UntrustedFileError:
        return
    assert len(found) == length
