import re
from typing import Annotated, Literal

import pytest
import typer

from charlm.cli.display.help_page import HelpPage, Panel, lay_out, page_of
from charlm.cli.help import ReadableCommand

PAGE = HelpPage(
    "tool cut [OPTIONS] {BOARD}",
    "Cuts a board into pieces of the same length, with as little waste as there can be, and counts the pieces.\n\n"
    "A board that is too short stays whole.",
    (
        Panel("Arguments", (("BOARD", "The board. [required]"),)),
        Panel(
            "Options",
            (
                ("-l, --length <int>", "Length of a piece, in millimetres, as the saw counts it. [default: 500]"),
                ("--kind-of-saw <circular|band|chain|coping|hand>", "What to cut with. [default: hand]"),
            ),
        ),
    ),
)


def test_descriptions_stand_beside_names_in_boxes_of_one_width() -> None:
    lines = lay_out(PAGE, width=80, colour=False, boxed=True).splitlines()
    boxed = [line for line in lines if line[:1] in "╭│╰" and line]
    assert {len(line) for line in boxed} == {80}
    assert any(line.startswith("│ -l, --length <int>  Length of a piece, in") for line in boxed)


def test_a_name_that_takes_too_much_room_has_its_description_below() -> None:
    lines = [line.strip("│ ") for line in lay_out(PAGE, width=80, colour=False, boxed=True).splitlines()]
    assert (
        lines[lines.index("--kind-of-saw <circular|band|chain|coping|hand>") + 1] == "What to cut with. [default: hand]"
    )


def test_a_default_is_not_broken_where_it_fits_a_line_of_its_own() -> None:
    for width in range(60, 130):
        assert "[default: 500]" in lay_out(PAGE, width=width, colour=False, boxed=width > 79)


@pytest.mark.parametrize("width", [40, 60, 79])
def test_without_boxes_descriptions_stand_below_names(width: int) -> None:
    text = lay_out(PAGE, width=width, colour=False, boxed=False)
    assert "│" not in text
    lines = text.splitlines()
    assert lines[lines.index("  -l, --length <int>") + 1].startswith("      Length of a piece")
    assert max(map(len, lines)) <= max(width, len("  --kind-of-saw <circular|band|chain|coping|hand>"))


@pytest.mark.parametrize("boxed", [True, False])
def test_colours_change_nothing_but_colours(boxed: bool) -> None:
    plain = lay_out(PAGE, width=100, colour=False, boxed=boxed)
    coloured = lay_out(PAGE, width=100, colour=True, boxed=boxed)
    assert coloured != plain
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == plain


def test_a_page_says_what_a_command_declares() -> None:
    app = typer.Typer(add_completion=False)

    @app.command(cls=ReadableCommand, help="Cuts.")
    def cut(
        board: Annotated[list[str], typer.Argument(metavar="BOARD", help="Boards.")],
        length: Annotated[int, typer.Option("--length", "-l", metavar="<int>", help="Length.")] = 500,
        saw: Annotated[
            Literal["band", "hand"] | None,
            typer.Option("--saw", help=r"Saw \[a tool].", show_default="by length", rich_help_panel="Tools"),
        ] = None,
        quiet: Annotated[bool, typer.Option("--quiet/--no-quiet", help="Say nothing.")] = True,
    ) -> None: ...

    command = typer.main.get_command(app)
    with command.make_context("cut", ["a"]) as context:
        page = page_of(command, context)
    assert page == HelpPage(
        "cut [OPTIONS] {BOARD}...",
        "Cuts.",
        (
            Panel("Arguments", (("BOARD…", "Boards. [required]"),)),
            Panel(
                "Options",
                (
                    ("-l, --length <int>", "Length. [default: 500]"),
                    ("--quiet / --no-quiet", "Say nothing. [default: quiet]"),
                    ("--help", "Show this message and exit."),
                ),
            ),
            Panel("Tools", (("--saw <band|hand>", "Saw [a tool]. [default: by length]"),)),
        ),
    )
