"""How far an answer is from the right one: insertions, deletions and substitutions."""

from collections.abc import Sequence


def count_edits(one: Sequence[str], other: Sequence[str]) -> int:
    """Returns the fewest symbols to insert, delete or replace to make one sequence of the other (Levenshtein 1966)."""
    row = list(range(len(other) + 1))
    for number, symbol in enumerate(one, start=1):
        diagonal, row[0] = row[0], number
        for place, its in enumerate(other, start=1):
            cost = min(row[place] + 1, row[place - 1] + 1, diagonal + (symbol != its))
            diagonal, row[place] = row[place], cost
    return row[-1]
