import numpy as np
import pytest

from charlm.data.examples.example import Example
from charlm.data.examples.shapes import after_condition
from charlm.data.lanes import IGNORED
from charlm.data.tokenizers.build import from_json
from charlm.data.tokenizers.char import CharTokenizer
from charlm.data.tokenizers.conditions import ConditionTokenizer
from charlm.errors import CheckpointError, ConfigError, DataError

TOKENIZER = ConditionTokenizer(CharTokenizer("ab"), task="generate", labels=["x", "y"])
# Symbols: 0 begin, 1 end, 2 unknown, 3 a, 4 b, 5 x, 6 y, 7 any other condition.


def test_a_condition_comes_first_and_an_end_last() -> None:
    symbols = TOKENIZER.encode("ab\ty\na\tz\n").astype(np.int64)
    assert symbols.tolist() == [0, 6, 3, 4, 1, 0, 7, 3, 1]
    assert TOKENIZER.inputs_of(symbols[:5]).tolist() == [0, 3, 4]
    assert TOKENIZER.decode_example(symbols[:5]) == Example("ab", "y")
    assert TOKENIZER.conditioned(np.array([0, 3, 4]), 0).tolist() == [0, 5, 3, 4, 1]


def test_the_text_and_its_end_are_the_targets() -> None:
    inputs, targets = after_condition(np.array([0, 6, 3, 4, 1]), TOKENIZER)
    assert inputs.tolist() == [0, 6, 3, 4] and targets.tolist() == [IGNORED, 3, 4, 1]
    assert np.flatnonzero(TOKENIZER.can_be_target()).tolist() == [1, 2, 3, 4]
    assert TOKENIZER.outputs is None and TOKENIZER.num_given == 2


def test_a_prompt_begins_with_the_condition() -> None:
    assert TOKENIZER.given("y").encode_prompt("a").tolist() == [0, 6, 3]
    with pytest.raises(ConfigError, match="name one with --condition: x, y"):
        TOKENIZER.encode_prompt("a")
    with pytest.raises(DataError, match="has not learnt the condition 'Y'"):
        TOKENIZER.given("Y")
    with pytest.raises(ConfigError, match="--condition is for"):
        CharTokenizer("a").given("x")


def test_it_is_rebuilt_from_json() -> None:
    assert from_json(TOKENIZER.to_json()) == TOKENIZER
    with pytest.raises(CheckpointError):
        from_json({**TOKENIZER.to_json(), "transitions": []})
