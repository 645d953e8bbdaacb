import pytest

from charlm.evaluation.hits import Hits
from charlm.evaluation.spans import find_spans, has_spans, score_spans


@pytest.mark.parametrize(
    ("tags", "spans"),
    [
        ("O O", set()),
        ("B-X I-X O B-Y", {("X", 0, 2), ("Y", 3, 4)}),
        ("B-X B-X", {("X", 0, 1), ("X", 1, 2)}),
        ("O I-X I-X", {("X", 1, 3)}),  # conlleval: I-X after O begins a span.
        ("I-X I-Y", {("X", 0, 1), ("Y", 1, 2)}),
        ("B-X I-Y", {("X", 0, 1), ("Y", 1, 2)}),
        ("S-X E-X B-Y E-Y O", {("X", 0, 1), ("X", 1, 2), ("Y", 2, 4)}),
    ],
)
def test_spans_are_those_of_conlleval(tags: str, spans: set[tuple[str, int, int]]) -> None:
    assert find_spans(tags.split()) == spans


def test_only_exactly_equal_spans_are_right() -> None:
    score = score_spans(["B-X", "I-X", "O", "B-Y"], ["B-X", "O", "O", "B-Y"])
    assert score == Hits(2, 2, 1)
    total = score + Hits(1, 0, 0)
    assert (total.precision, total.recall, total.f1) == (0.5, pytest.approx(1 / 3), pytest.approx(0.4))
    assert (Hits(0, 0, 0).precision, Hits(0, 0, 0).f1) == (0.0, 0.0)
    assert has_spans(["O", "I-X"]) and not has_spans(["O", "NN"])
