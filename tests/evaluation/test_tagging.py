import itertools

import numpy as np

from charlm.data.examples.segments import Segment
from charlm.data.tokenizers.char import CharTokenizer
from charlm.data.tokenizers.tags import TagTokenizer
from charlm.evaluation.tagging import tag_segments, tag_symbols, viterbi


def test_the_best_sequence_is_that_of_all_of_them() -> None:
    rng = np.random.default_rng(1)
    for _ in range(20):
        scores = rng.normal(size=(5, 3))
        first, then = rng.random(3) < 0.7, rng.random((3, 3)) < 0.7
        first[0] = then[0, 0] = True
        allowed = [
            each
            for each in itertools.product(range(3), repeat=5)
            if first[each[0]] and all(then[pair] for pair in itertools.pairwise(each))
        ]
        best = max(allowed, key=lambda each: sum(scores[place, label] for place, label in enumerate(each)))
        assert viterbi(scores, first, then).tolist() == list(best)


def test_where_nothing_was_seen_there_is_a_sequence_all_the_same() -> None:
    scores = np.log(np.array([[0.9, 0.1], [0.2, 0.8]]))
    assert viterbi(scores, np.zeros(2, bool), np.zeros((2, 2), bool)).tolist() == [0, 1]


def test_a_token_has_one_tag_and_what_lies_between_has_none() -> None:
    tokenizer = TagTokenizer(CharTokenizer("a"), task="tag", labels=["X", "Y"], transitions=[(None, 0), (0, 1), (0, 0)])
    rows = np.log(np.array([[0.6, 0.4], [0.9, 0.1], [0.5, 0.5], [0.4, 0.6]]))
    assert tag_segments(rows, [Segment(2, "?"), Segment(1, None), Segment(1, "?")], tokenizer) == ["X", "Y"]
    assert tag_symbols(np.log(np.array([[0.4, 0.6], [0.7, 0.3]])), tokenizer) == ["Y", "X"]
