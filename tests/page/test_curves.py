"""The drawing of losses."""

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charlm.page.curves import Line, draw_curves

LINES = [Line("training", [(0, 8.0), (50, 4.0), (100, 2.0)]), Line("valid & <b>", [(50, 5.0), (100, 3.0)])]


def drawing(lines):
    return ElementTree.fromstring(f"<div>{draw_curves(lines)}</div>")


def path(drawn, number):
    (found,) = (each.get("d") for each in drawn.findall(f"./figure/svg/svg/path[@class='c{number}']"))
    return [float(number) for number in re.findall(r"[\d.-]+", found)]


def test_points_are_placed_by_steps_and_losses():
    drawn = drawing(LINES)
    # 582 units wide from 44 on; 212 high from 14 on; from 5 bits at the top, the highest after the first steps, to 2.
    assert path(drawn, 1) == pytest.approx([44, -198.0, 335, 84.7, 626, 226.0], abs=0.1)
    assert path(drawn, 2) == pytest.approx([335, 14.0, 626, 155.3], abs=0.1)


def test_names_are_text():
    drawn = drawing(LINES)
    assert [each.findtext(".") or each[0].tail for each in drawn.findall("./figure/ul/li")] == [
        "training",
        "valid & <b>",
    ]
    label = drawn.find("./figure/svg").get("aria-label")
    assert label == (
        "Bits per character over the steps of the training: training from 8.00 to 2.00; valid & <b> from 5.00 to 3.00."
    )


@given(points=st.lists(st.tuples(st.floats(0, 1e20), st.floats()), min_size=1))
def test_any_losses_can_be_drawn(points):
    drawn = draw_curves([Line("training", points)])
    assert "nan" not in drawn
    assert "inf" not in drawn
    assert len(drawn) < 3000 + 60 * len(points)


@pytest.mark.parametrize("points", [[(0, 2.0)], [(5, 2.0)], [(1, 2.0), (2, 2.0)], [(9, 0.0), (10, 9.9e5)]], ids=str)
def test_few_and_equal_losses_have_a_place(points):
    assert drawing([Line("training", points)]).find("./figure/svg") is not None


def test_without_losses_nothing_is_drawn():
    assert draw_curves([]) == ""
