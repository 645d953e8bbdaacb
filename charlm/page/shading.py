"""How bits of a character and values of a unit are divided into levels, on pages and on terminals."""

from itertools import pairwise

BIT_BORDERS = (1, 2, 4, 8)
"""Bits of a character from which the next level begins."""

UNIT_BORDERS = (-0.75, -0.5, -0.25, -0.1, 0.1, 0.25, 0.5, 0.75)
"""Values of a unit, from -1 to 1, from which the next level begins."""


def bit_level_names() -> list[str]:
    """Returns what each level of bits stands for: '<1', '1–2', …, '≥8'."""
    borders = [f"{border:g}" for border in BIT_BORDERS]
    return [f"<{borders[0]}", *map("–".join, pairwise(borders)), f"≥{borders[-1]}"]
