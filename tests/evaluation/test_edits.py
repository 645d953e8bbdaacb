import pytest

from charlm.evaluation.edits import count_edits


@pytest.mark.parametrize(
    ("one", "other", "edits"),
    [("kitten", "sitting", 3), ("", "abc", 3), ("abc", "", 3), ("abc", "abc", 0), ("ab", "ba", 2), ("flaw", "lawn", 2)],
)
def test_edits_are_the_fewest(one: str, other: str, edits: int) -> None:
    assert count_edits(list(one), list(other)) == edits == count_edits(list(other), list(one))
