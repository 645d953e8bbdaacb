import numpy as np
import pytest

from charlm.config import DataConfig, TokenizerConfig
from charlm.data.examples.example import Example
from charlm.data.tokenizers.build import from_json, learnt
from charlm.data.tokenizers.char import CharTokenizer
from charlm.data.tokenizers.labels import LabelTokenizer
from charlm.errors import CheckpointError, DataError
from charlm.tasks import Outputs

TOKENIZER = LabelTokenizer(CharTokenizer("ab"), task="classify", labels=["x", "y"])
# Symbols: 0 begin, 1 tab, 2 unknown, 3 a, 4 b, 5 x, 6 y, 7 any other label.


def test_an_example_is_its_begin_what_is_read_and_its_label() -> None:
    assert TOKENIZER.encode("ab\tx\nbc\ty\n").tolist() == [0, 3, 4, 5, 0, 4, 2, 6]
    assert TOKENIZER.encode("a\tz\n").tolist() == [0, 3, 7]
    assert TOKENIZER.encode("").tolist() == []
    assert TOKENIZER.outputs == Outputs(2, "pooled")


def test_inputs_are_the_same_with_and_without_a_label() -> None:
    assert [inputs.tolist() for inputs in TOKENIZER.encode_inputs(["ab", "", "a"])] == [[0, 3, 4], [0], [0, 3]]
    assert TOKENIZER.inputs_of(TOKENIZER.encode("ab\tx\n").astype(np.int64)).tolist() == [0, 3, 4]


def test_examples_are_read_back_from_their_symbols() -> None:
    assert TOKENIZER.decode_example(np.array([0, 3, 4, 6])) == Example("ab", "y")
    assert TOKENIZER.decode_example(np.array([0, 2, 7])) == Example("\ufffd", "<unknown label>")
    assert [TOKENIZER.symbol_name(symbol) for symbol in (0, 1, 3, 5, 7)] == [
        "<begin>", "<tab>", "'a'", "x", "<unknown label>",
    ]  # fmt: skip


def test_only_known_labels_are_targets() -> None:
    assert TOKENIZER.can_be_target().tolist() == [False] * 5 + [True, True, False]
    assert TOKENIZER.targets_of(np.array([5, 6, 7]), ignored=-100).tolist() == [0, 1, -100]
    assert TOKENIZER.scored_text("ab\tx\nb\ty\n") == "ab\nb\n"


def test_labels_are_learnt_the_most_frequent_first() -> None:
    recipe = learnt(TokenizerConfig(), records=True, data=DataConfig(corpus=("x",), task="classify"))
    tokenizer = recipe.make(["b\ty\na\tx\n", "c\ty\n"])
    assert isinstance(tokenizer, LabelTokenizer)
    assert tokenizer.labels == ("y", "x") and tokenizer.vocabulary_size == 2 + 4 + 3
    assert from_json(tokenizer.to_json()) == tokenizer
    with pytest.raises(DataError, match="has the label 'x'; at least two are needed"):
        recipe.make(["a\tx\nb\tx\n"])


@pytest.mark.parametrize(
    "changes",
    [
        {"labels": ["x"]},
        {"labels": ["x", "x"]},
        {"labels": ["x", ""]},
        {"labels": ["x", "a\tb"]},
        {"labels": ["x", 3]},
        {"labels": ["x", "\ud800"]},
        {"labels": "xy"},
        {"task": "sing"},
        {"inner": TOKENIZER.to_json()},
        {"more": 1},
    ],
)
def test_forged_labels_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(CheckpointError, match="damaged or of another program"):
        from_json({**TOKENIZER.to_json(), **changes})
