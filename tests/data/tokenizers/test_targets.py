import numpy as np
import pytest

from charlm.data.examples.example import Example
from charlm.data.examples.shapes import answer_after
from charlm.data.lanes import IGNORED
from charlm.data.tokenizers.build import from_json
from charlm.data.tokenizers.char import CharTokenizer
from charlm.data.tokenizers.targets import TargetTokenizer
from charlm.errors import CheckpointError

PHONES = TargetTokenizer(CharTokenizer("ab"), task="transduce", labels=["AH", "B"], separator=" ")
# Symbols: 0 begin, 1 between, 2 unknown, 3 a, 4 b, 5 end, 6 AH, 7 B, 8 other.


def test_an_answer_follows_what_is_read_and_has_an_end() -> None:
    symbols = PHONES.encode("ab\tAH B\nb\tB X\n").astype(np.int64)
    assert symbols.tolist() == [0, 3, 4, 1, 6, 7, 5, 0, 4, 1, 7, 8, 5]
    assert PHONES.decode_example(symbols[:7]) == Example("ab", "AH B")
    assert PHONES.name_numbers([1, 2]) == "AH B"
    inputs, targets = answer_after(symbols[:7], PHONES)
    assert inputs.tolist() == [0, 3, 4, 1, 6, 7]
    assert targets.tolist() == [1, 2, 0, IGNORED, IGNORED, IGNORED]
    assert answer_after(symbols[7:], PHONES)[1].tolist() == [2, IGNORED, 0, IGNORED, IGNORED]


def test_characters_are_symbols_where_nothing_stands_between() -> None:
    letters = TargetTokenizer(CharTokenizer("a"), task="transduce", labels=["x", " "], separator="")
    symbols = letters.encode("a\tx x\n").astype(np.int64)
    assert letters.decode_example(symbols) == Example("a", "x x")
    collector = TargetTokenizer.collector(separator="")
    collector.add("x xx")
    assert collector.learnt() == {"labels": ["x", " "], "separator": ""}


def test_it_is_rebuilt_from_json() -> None:
    assert from_json(PHONES.to_json()) == PHONES
    for changes in ({"separator": "-"}, {"separator": None}, {"more": 1}, {"labels": ["x\n", "y"]}):
        with pytest.raises(CheckpointError):
            from_json({**PHONES.to_json(), **changes})
