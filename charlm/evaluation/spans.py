"""Spans of BIO tags as conlleval counts them (Tjong Kim Sang and De Meulder 2003), and their precision and recall."""

from collections.abc import Iterable, Sequence

from charlm.evaluation.hits import Hits

Span = tuple[str, int, int]
"""A type, the first token, and the token after the last."""


def has_spans(tags: Iterable[str]) -> bool:
    """Returns whether tags mark spans: one begins with B- or I-."""
    return any(tag[:2] in ("B-", "I-") for tag in tags)


def find_spans(tags: Sequence[str]) -> set[Span]:
    """Returns the spans of one sentence.

    `B-X` begins a span, and so does `I-X` after `O` or after another type. Tags of the schemes with E and S are
    understood, too.
    """
    spans: set[Span] = set()
    before, kind_before, start = "O", "", 0
    for place, tag in enumerate([*tags, "O"]):
        prefix, _, kind = tag.partition("-")
        if _ends(before, prefix, kind_before, kind):
            spans.add((kind_before, start, place))
        if _begins(before, prefix, kind_before, kind):
            start = place
        before, kind_before = prefix, kind
    return spans


def _ends(before: str, prefix: str, kind_before: str, kind: str) -> bool:
    if before in ("E", "S"):
        return True
    return before not in ("O", ".") and (prefix in ("B", "S", "O") or kind_before != kind)


def _begins(before: str, prefix: str, kind_before: str, kind: str) -> bool:
    if prefix in ("B", "S"):
        return True
    return prefix not in ("O", ".") and (before in ("E", "S", "O") or kind_before != kind)


def score_spans(true: Sequence[str], predicted: Sequence[str]) -> Hits:
    """Returns how the spans of one sentence agree."""
    spans, guesses = find_spans(true), find_spans(predicted)
    return Hits(len(spans), len(guesses), len(spans & guesses))
