"""Every colour that text has can be read on light and on dark terminals (WCAG 2.2, 1.4.3: 4.5:1)."""

import re
from itertools import pairwise

import pytest

from charlm.cli.display import chart, palette, plots, surprisal, units
from charlm.cli.display.shading import Scale
from tests.support.contrast import BLACK, WHITE, contrast, of_page, of_terminal

ENOUGH = 4.5
COLOURS = (palette.BLUE, palette.VIOLET, palette.GREEN, palette.MAGENTA, palette.RED, palette.GREY)


def test_contrast_is_that_of_the_guidelines() -> None:
    assert contrast(BLACK, WHITE) == pytest.approx(21)
    assert contrast((118, 118, 118), WHITE) == pytest.approx(4.54, abs=0.005)
    assert of_terminal(16) == (0, 0, 0) and of_terminal(231) == (255, 255, 255)
    assert of_terminal(130) == (175, 95, 0) and of_terminal(243) == (118, 118, 118)


@pytest.mark.parametrize("colour", COLOURS)
def test_a_colour_without_background_is_legible_on_any(colour: str) -> None:
    shown = of_terminal(int(re.fullmatch(r"color\((\d+)\)", colour)[1]))  # type: ignore[index]
    assert min(contrast(shown, BLACK), contrast(shown, WHITE)) >= ENOUGH


def test_all_colours_are_those() -> None:
    assert palette.ALERT.removeprefix("bold ") in COLOURS
    assert f"bold color({palette.ALERT_CODE.removeprefix('1;38;5;')})" == palette.ALERT
    assert {style for style in chart.STYLES if style != "bold"} <= set(COLOURS)


@pytest.mark.parametrize("scale", [surprisal.SCALE, units.SCALE])
def test_shaded_text_is_legible_and_levels_differ_in_grey(scale: Scale) -> None:
    pairs = [colours for colours in scale.colours if colours is not None]
    for background, foreground in pairs:
        assert contrast(of_terminal(background), of_terminal(foreground)) >= ENOUGH
    plain = scale.colours.index(None)
    for side in (scale.colours[plain + 1 :], scale.colours[:plain][::-1]):
        # Further from the middle is darker, so that a picture in grey tells the same.
        shades = [contrast(of_terminal(each[0]), BLACK) for each in side if each is not None]
        assert all(one > other for one, other in pairwise(shades))


def test_curves_of_pictures_are_seen_on_white_and_differ_in_grey() -> None:
    shades = [contrast(of_page(colour), WHITE) for colour in plots.COLOURS]
    assert min(shades) >= 3.0
    assert all(one > 1.1 * other for one, other in pairwise(shades))
