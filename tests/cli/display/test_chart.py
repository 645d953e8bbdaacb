import io

import pytest
from rich.console import Console

from charlm.cli.display.chart import Line, print_chart, short, ticks, visible_range


def drawn(*lines: Line, width: int = 60) -> str:
    stream = io.StringIO()
    print_chart(Console(file=stream, width=width, markup=False, highlight=False), lines, x="steps", y="loss")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("low", "high", "most", "expected"),
    [
        (0.0, 10.0, 6, [0, 2, 4, 6, 8, 10]),
        (1.93, 2.21, 7, [1.95, 2.0, 2.05, 2.1, 2.15, 2.2]),
        (0.0, 0.9, 4, [0, 0.5]),
        (-1.0, 1.0, 5, [-1, -0.5, 0, 0.5, 1]),
    ],
)
def test_ticks_are_round_numbers_inside_the_range(low, high, most, expected):
    assert ticks(low, high, most) == pytest.approx(expected)


def test_thousands_and_millions_are_written_short():
    assert [short(value) for value in (0, 12, 1500, 2_000_000, 3e9)] == ["0", "12", "1.5k", "2M", "3G"]


def test_the_first_twentieth_does_not_stretch_the_scale():
    assert visible_range([Line("a", [1, 4, 50, 100], [8.0, 4.0, 3.0, 2.0])]) == (2.0, 4.0)


def test_a_falling_curve_goes_from_the_top_left_to_the_bottom_right():
    rows = [row for row in drawn(Line("a", [0, 100], [2.0, 1.0])).splitlines() if "│" in row or "┤" in row]
    marks = [row.index("*") for row in rows]
    assert marks == sorted(marks)
    assert len(rows) == 18


def test_one_step_has_no_steps_between_it_and_none():
    rows = drawn(Line("a", [1], [2.0]), Line("b", [1], [1.0])).splitlines()
    assert rows[-4].split() == ["0", "1"] and rows[-3].split() == ["steps"]
    # Seconds may be less than one.
    assert "0.2" in drawn(Line("a", [0.7], [2.0])).splitlines()[-3]


def test_curves_have_marks_of_their_own_and_their_last_value():
    text = drawn(Line("a", [0, 9], [2.0, 1.0]), Line("b", [0, 9], [1.0, 1.5]))
    assert "* a: 1.000" in text
    assert "o b: 1.500" in text


@pytest.mark.parametrize("points", [([1], [2.0]), ([0], [0.0]), ([3, 3], [1.0, 1.0]), ([1, 2], [1e-9, 1e90])])
def test_any_points_can_be_drawn(points):
    assert "* a" in drawn(Line("a", *points), width=10)


def test_names_steer_no_terminal():
    text = drawn(Line("[red]\x1b[31m", [0, 1], [2.0, 1.0]))
    assert "\x1b" not in text
    assert "[red]␛[31m" in text
