import io

from rich.console import Console

from charlm.cli.display.shading import print_shaded


def shaded(pieces, shades, *, width=20, terminal=False, monkeypatch=None):
    stream = io.StringIO()
    if terminal:
        monkeypatch.setattr(stream, "isatty", lambda: True, raising=False)
        monkeypatch.delenv("NO_COLOR", raising=False)
        monkeypatch.setenv("TERM", "xterm")
    console = Console(
        file=stream, width=width, markup=False, highlight=False, force_terminal=terminal, color_system="truecolor"
    )
    print_shaded(console, pieces, shades)
    return stream.getvalue()


def test_without_colours_bars_stand_below_each_line():
    assert shaded(["a", "b\n", "c"], [-1.0, 0.0, 1.0]) == "ab \n▁▅▅\nc\n█\n"


def test_lines_are_as_wide_as_the_console_and_bars_as_characters():
    assert shaded(["abc", "d"], [1.0, -1.0], width=2) == "ab\n██\ncd\n█▁\n"
    assert shaded(["数", "é", "\t"], [1.0, -1.0, 0.0]) == "数é    \n██▁▅▅▅▅\n"


def test_nothing_in_a_text_steers_the_terminal(monkeypatch):
    evil = ["[red]", "\x1b[31m", "\u202e"]
    plain = shaded(evil, [1.0, 1.0, 0.0], width=60)
    assert plain.splitlines()[0] == "[red]␛[31m\\u202e"
    coloured = shaded(evil, [1.0, -1.0, 0.0], width=60, terminal=True, monkeypatch=monkeypatch)
    assert "\x1b[31m" not in coloured
    assert "\u202e" not in coloured
    assert "48;2;214;94;0" in coloured  # Orange for 1,
    assert "48;2;0;96;178" in coloured  # blue for -1.


def test_values_out_of_range_and_no_text_at_all_do_not_fail():
    assert shaded([], []) == ""
    assert shaded(["a", "b"], [5.0, -5.0]) == "ab\n█▁\n"
