import math

import pytest

from charlm.cli.display.curve import draw_curve, legend
from charlm.runs.reporting import LossPoint

BIT = math.log(2)


def rows(points: list[LossPoint], *, width: int = 26, height: int = 5, is_ascii: bool = True) -> list[str]:
    return draw_curve(points, width=width, height=height, is_ascii=is_ascii).plain.split("\n")


def test_a_straight_fall_is_a_diagonal_from_corner_to_corner() -> None:
    # 20 columns and 5 rows: the loss falls by a row every fifth of the training.
    points = [LossPoint(step, step / 20, (6 - step / 20 * 4) * BIT) for step in range(1, 21)]
    drawn = rows([LossPoint(0, 0.0, 6 * BIT), *points], height=5)
    assert drawn[0].startswith(" 5.60+") and drawn[4].startswith(" 2.00+")
    columns = [[place for place, symbol in enumerate(row[6:]) if symbol == "."] for row in drawn[:5]]
    # What is above 5.6, the highest after the first tenth of the points, is not drawn.
    assert [each for row in columns for each in row] == list(range(2, 20))
    assert columns[0][0] == 2 and columns[4][-1] == 19


def test_scores_are_marked_at_their_share_the_network_apart_from_the_mixture() -> None:
    drawn = rows([LossPoint(0, 0.0, None, 1.0 * BIT, 2.0 * BIT), LossPoint(100, 1.0, None, 1.0 * BIT, 2.0 * BIT)])
    assert drawn[0] == " 2.00+" + "o" + "o".rjust(19)
    assert drawn[4] == " 1.00+" + "*" + "*".rjust(19)


def test_dots_of_braille_are_four_times_as_fine() -> None:
    points = [LossPoint(step, step / 40, (8 - step / 40 * 8) * BIT) for step in range(1, 41)]
    drawn = rows(points, height=5, is_ascii=False)
    body = "".join(row[6:] for row in drawn[:5])
    assert set(body) - {" "} <= {chr(code) for code in range(0x2801, 0x2900)}
    assert len(drawn) == 6 and max(map(len, drawn[:5])) == len(drawn[4]) == 26


def test_a_loss_that_rises_is_drawn_without_gaps() -> None:
    points = [LossPoint(step, step / 20, (1.0 if step <= 10 else 6.0) * BIT) for step in range(21)]
    drawn = rows(points, height=5)
    assert drawn[0] == " 6.00+" + " " * 10 + "." * 10
    assert drawn[4] == " 1.00+" + "." * 11
    assert all(row.count(".") == 1 for row in drawn[1:4])


@pytest.mark.parametrize("points", [[], [LossPoint(1, 0.01)], [LossPoint(1, 0.01, 2.0)], [LossPoint(1, 1.0, 2.0, 2.0)]])
def test_few_points_are_drawn_too(points: list[LossPoint]) -> None:
    assert len(rows(points)) == 6


def test_a_legend_names_what_is_drawn() -> None:
    assert legend(is_mixed=False, is_ascii=True).plain == ". training  * validation"
    assert legend(is_mixed=True, is_ascii=False).plain == "⠒ network, training  ○ network, validation  ● mixture"
