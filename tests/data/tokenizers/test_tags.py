import numpy as np
import pytest

from charlm.data.examples.example import Example
from charlm.data.examples.shapes import tag_at_each
from charlm.data.lanes import IGNORED
from charlm.data.tokenizers.build import from_json
from charlm.data.tokenizers.byte import ByteTokenizer
from charlm.data.tokenizers.char import CharTokenizer
from charlm.data.tokenizers.tags import TagTokenizer
from charlm.errors import CheckpointError

TOKENIZER = TagTokenizer(CharTokenizer("ab "), task="tag", labels=["O", "B"], transitions=[(None, 1), (1, 0)])
# Symbols: 0 begin, 1 between, 2 unknown, 3 a, 4 b, 5 space, 6 O, 7 B, 8 other; where a token goes on: 9 O, 10 B, 11.


def test_tags_follow_what_is_read_and_tell_where_tokens_begin() -> None:
    symbols = TOKENIZER.encode("ab a\t2 B\t1\t1 O\nb\t1 Z\n").tolist()
    assert symbols == [0, 3, 4, 5, 3, 1, 7, 10, 1, 6, 0, 4, 1, 8]
    first = np.array(symbols[:10])
    assert TOKENIZER.inputs_of(first).tolist() == [0, 3, 4, 5, 3]
    assert TOKENIZER.decode_example(first) == Example("ab a", "2 B\t1\t1 O")
    inputs, targets = tag_at_each(first, TOKENIZER)
    assert inputs.tolist() == [0, 3, 4, 5, 3] and targets.tolist() == [IGNORED, 1, 1, IGNORED, 0]
    assert tag_at_each(np.array(symbols[10:]), TOKENIZER)[1].tolist() == [IGNORED, IGNORED]


def test_bytes_have_the_tag_of_their_character() -> None:
    tokenizer = TagTokenizer(ByteTokenizer(), task="tag", labels=["O", "B"], transitions=[])
    o, b, o_on, b_on = (tokenizer.first_label + each for each in (0, 1, 3, 4))
    symbols = tokenizer.encode("éa ö\t2 B\t1\t1 O\n")
    assert symbols[7:].tolist() == [1, b, b_on, b_on, 1, o, o_on]
    assert tokenizer.decode_target(symbols.astype(np.int64)[7:]) == "3 B\t1\t2 O"


def test_tokens_of_bytes_are_shown_whole() -> None:
    tokenizer = TagTokenizer(ByteTokenizer(), task="tag", labels=["O", "B"], transitions=[])
    scores = np.zeros((8, 2))
    scores[5:, 1] = 1.0  # of the bytes of the last token and of its begin, which nothing is shown of
    assert tokenizer.first_symbols("éa ö").tolist() == [0, 2, 3, 4, 6]
    assert tokenizer.show(Example("éa ö", "3 B\t1\t2 O"), scores) == "éa/O ö/B"


def test_counts_are_those_of_both_symbols_of_a_label() -> None:
    counts = np.zeros(12, dtype=np.int64)
    counts[[6, 7, 10, 11]] = [5, 3, 4, 1]
    assert TOKENIZER.label_counts(counts).tolist() == [5, 7, 1]
    assert TOKENIZER.can_be_target().tolist() == [False] * 6 + [True, True, False] * 2


def test_transitions_are_those_of_training() -> None:
    collector = TagTokenizer.collector()
    collector.add("1 B\t1\t2 O\t1 O")
    collector.add("1 O")
    learnt = collector.learnt()
    assert learnt["labels"] == ["O", "B"]
    assert learnt["transitions"] == {(None, 1), (1, 0), (0, 0), (None, 0)}
    first, then = TOKENIZER.can_follow()
    assert first.tolist() == [False, True] and then.tolist() == [[False, False], [True, False]]


def test_it_is_rebuilt_from_json_and_forged_transitions_are_refused() -> None:
    stored = TOKENIZER.to_json()
    assert stored["transitions"] == [[None, 1], [1, 0]] and from_json(stored) == TOKENIZER
    for pairs in ([[0]], [[0, 2]], [[-1, 0]], [[True, 0]], [[None, None]], "xy", [[0, 0]] * 10):
        with pytest.raises(CheckpointError):
            from_json({**stored, "transitions": pairs})
    with pytest.raises(CheckpointError):
        from_json({key: value for key, value in stored.items() if key != "transitions"})
