import io

import pytest

from charlm.cli.display.shading import Scale, write_shaded

SCALE = Scale(borders=(-1.0, 1.0), colours=((25, 231), None, (130, 231)), bar_borders=(0.0,), bars="▁█")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shaded(*pieces: tuple[str, float], width: int = 20, stream: io.StringIO | None = None) -> str:
    stream = stream or io.StringIO()
    write_shaded(stream, pieces, SCALE, width=width)
    return stream.getvalue()


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    return Terminal()


def test_a_number_has_the_level_of_the_borders_not_above_it() -> None:
    assert [SCALE.level(number) for number in (-2.0, -1.0, 0.9, 1.0, float("nan"))] == [0, 1, 1, 2, 2]
    assert [SCALE.bar(number) for number in (-0.1, 0.0, float("nan"))] == ["▁", "█", "█"]


def test_without_colours_bars_stand_below_each_line() -> None:
    assert shaded(("a", -2.0), ("b\n", 0.0), ("c", 1.0)) == "ab\n▁█\nc\n█\n"


def test_lines_are_as_wide_as_asked_for_and_bars_as_characters() -> None:
    assert shaded(("abc", 1.0), ("d", -1.0), width=2) == "ab\n██\ncd\n█▁\n"
    assert shaded(("数", 1.0), ("é", -1.0), ("\t", 0.0)) == "数é⇥\n██▁█\n"


def test_a_line_end_is_shown_where_it_has_a_colour() -> None:
    assert shaded(("\n", 0.0), ("\n", 1.0)) == "\n\n⏎\n█\n"
    assert shaded(("ab", 0.0), ("\n", 1.0), width=2) == "ab\n██\n"


def test_every_line_end_is_shown_where_that_is_asked_for() -> None:
    stream = io.StringIO()
    write_shaded(stream, [("ab\nc\n", 0.0)], SCALE, width=2, shows_line_ends=True)
    assert stream.getvalue() == "ab\n██\n⏎\n█\nc⏎\n██\n"


def test_an_accent_adds_to_its_letter() -> None:
    assert shaded(("e", -0.5), ("\u0301", -3.0)) == "e\u0301\n▁\n"
    assert shaded(("e", 2.0), ("\u0301", -1.0)) == "e\u0301\n█\n"


def test_a_stretch_of_one_level_is_coloured_at_once(terminal: Terminal) -> None:
    assert shaded(("a", -5.0), ("b", -2.0), ("c", 0.0), ("d", 1.0), stream=terminal) == (
        "\x1b[48;5;25;38;5;231mab\x1b[0mc\x1b[48;5;130;38;5;231md\x1b[0m\n"
    )


def test_nothing_in_a_text_steers_the_terminal(terminal: Terminal) -> None:
    evil = (("[red]", 1.0), ("\x1b[31m", -2.0), ("\u202e", 0.0))
    assert shaded(*evil, width=60).splitlines()[0] == "[red]␛[31m\\u202e"
    coloured = shaded(*evil, width=60, stream=terminal)
    assert "\x1b[31m" not in coloured
    assert "\u202e" not in coloured


def test_no_text_at_all_is_nothing() -> None:
    assert shaded() == shaded(("", 1.0)) == ""
