import io
from datetime import datetime
from typing import Any

import pytest
from rich.console import Console

from charlm.cli.display.runs import print_descriptions, print_runs
from charlm.runs.info import HistoryPoint, RunDescription
from charlm.runs.list import RunRow


def printed(show: Any, *arguments: Any, width: int = 100) -> str:
    console = Console(file=io.StringIO(), width=width, markup=False, highlight=False, emoji=False)
    show(console, *arguments)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_a_description_shows_rows_and_curves() -> None:
    history = (HistoryPoint(10, 3.0, 4.0), HistoryPoint(20, None, 2.0), HistoryPoint(30, 1.0, 3.0))
    text = printed(print_descriptions, [RunDescription("demo", (("corpus", "a.txt [x]"),), history, {})])
    assert "corpus  a.txt [x]" in text
    assert "loss from step 10 to 30, nats/symbol" in text
    assert "█▁▄" in text or "█▁▅" in text
    assert "4.0000 → 3.0000, lowest 2.0000" in text
    assert "3.0000 → 1.0000, lowest 1.0000" in text


def test_a_description_of_a_mixed_run_names_each_curve() -> None:
    history = (HistoryPoint(10, 3.0, 1.0, 4.0), HistoryPoint(20, 2.5, 0.5, 3.5))
    text = printed(print_descriptions, [RunDescription("demo", (), history, {})])
    for name, ends in (
        ("network, training", "3.0000 → 2.5000"),
        ("network, validation", "4.0000 → 3.5000"),
        ("mixture, validation", "1.0000 → 0.5000"),
    ):
        assert any(name in line and ends in line for line in text.splitlines())


def test_a_description_without_history_shows_no_curves() -> None:
    assert "loss" not in printed(print_descriptions, [RunDescription("demo", (("corpus", "a"),), (), {})])


def test_two_descriptions_stand_side_by_side_with_a_dash_for_what_one_lacks() -> None:
    one = RunDescription("one", (("run", "one"), ("model", "lstm"), ("steps", "6")), (), {})
    other = RunDescription("two", (("run", "two"), ("model", "3-gram")), (), {})
    lines = [line.split() for line in printed(print_descriptions, [other, one]).splitlines()]
    assert lines == [["run", "two", "one"], ["model", "3-gram", "lstm"], ["steps", "–", "6"]]


ROWS = [
    RunRow("new", "training", datetime(2026, 11, 21, 12), "tale", "lstm 2 x 8", 12345, 2.0, None, 5, 10),
    RunRow("old", "stopped", datetime(2026, 11, 20, 12), "tale", "gru 1 x 8", 950, None, 1.5, 5, 10),
    RunRow("bad", "damaged", problem="It is cut short."),
]


def test_runs_are_listed_a_line_each() -> None:
    lines = [line.split() for line in printed(print_runs, ROWS).splitlines()]
    assert ["new", "2026-11-21", "tale", "lstm", "2", "x", "8", "12.3K", "2.000", "training"] in lines
    assert ["old", "2026-11-20", "tale", "gru", "1", "x", "8", "950", "1.500", "stopped", "at", "50%"] in lines
    assert lines[-1] == ["bad:", "It", "is", "cut", "short."]


@pytest.mark.parametrize("width", [60, 80])
def test_the_list_fits_a_narrow_terminal(width: int) -> None:
    row = RunRow("a-long-name-of-a-run" * 3, "stopped", datetime(2026, 1, 1), "text" * 9, "gru-reset-before 1 x 8", 9)
    assert all(len(line.rstrip()) <= width for line in printed(print_runs, [row], width=width).splitlines())


def test_names_and_texts_become_no_markup_and_steer_nothing() -> None:
    text = printed(print_runs, [RunRow("[red]a\x1b[2J", "damaged", text="[b]\x07", problem="\x1b[31m")])
    assert "[red]a␛[2J" in text and "[b]␇" in text and "\x1b" not in text


def test_without_runs_there_is_a_sentence() -> None:
    assert "There are no runs yet" in printed(print_runs, [])


@pytest.mark.parametrize(
    ("width", "headings"),
    [
        (100, ["name", "date", "text", "model", "size", "valid", "test", "state"]),
        (70, ["name", "model", "size", "valid", "test", "state"]),
        (48, ["name", "size", "valid", "test", "state"]),
        (41, ["name", "valid", "test", "state"]),
    ],
)
def test_a_narrow_terminal_does_without_columns_and_shows_names_whole(width: int, headings: list[str]) -> None:
    row = RunRow("tinyshakespeare", "finished", datetime(2026, 11, 21), "a-text.txt", "lstm 2 x 64", 80_000, 2.5, 2.6)
    lines = printed(print_runs, [row], width=width).splitlines()
    assert lines[1].split() == headings
    assert "tinyshakespeare" in lines[3]


def test_a_score_on_a_part_of_the_validation_text_is_marked() -> None:
    whole = RunRow("a", "stopped", validation=2.0)
    part = RunRow("b", "stopped", validation=2.0, validation_share=0.2)
    assert "~" not in printed(print_runs, [whole])
    text = printed(print_runs, [whole, part])
    assert " 2.000 " in text and "~2.000" in text
    assert "~ on a part of the validation text" in text
