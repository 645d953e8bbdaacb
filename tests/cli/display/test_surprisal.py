import io
import json
import math

import pytest

from charlm.cli.display.surprisal import (
    SCALE,
    print_odd_lines,
    print_surprisal,
    print_surprisal_json,
)
from charlm.data.tokenizers.byte import ByteTokenizer
from charlm.evaluation.surprisal import Surprisal
from charlm.runs.evaluate.surprisal import SurprisalResult
from tests.support.surprisals import surprisal_of

HOSTILE = "a\x1b[31m\u202e\x07"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(surprisal: Surprisal, stream: io.StringIO, *, top: int | None = None) -> list[str]:
    print_surprisal(SurprisalResult("demo", "text", surprisal), stream, top=top)
    return stream.getvalue().splitlines()


@pytest.fixture(autouse=True)
def usual_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "40")


def test_a_level_is_twice_as_many_bits_as_the_one_before() -> None:
    assert [SCALE.level(bits) for bits in (0.0, 0.99, 1.0, 1.99, 2.0, 3.99, 4.0, 7.99, 8.0, 50.0)] == [
        *(0, 0, 1, 1, 2, 2, 3, 3, 4, 4)
    ]


def test_a_bar_for_each_bit_stands_below_its_character() -> None:
    lines = shown(surprisal_of("abcde", [0.0, 0.9, 1.0, 4.5, 20.0]), io.StringIO())
    assert lines[0] == "demo on text: 6.6000 bits/char, 4 characters"
    assert lines[-2:] == ["abcde", "  ▁▄█"]


def test_bars_keep_below_wide_and_combining_characters() -> None:
    lines = shown(surprisal_of("a漢e\u0301b", [0.0, 3.0, 0.0, 2.0, 1.0]), io.StringIO())
    assert lines[-2:] == ["a漢e\u0301b", " ▃▃▂▁"]


def test_only_a_surprising_line_end_is_shown() -> None:
    assert shown(surprisal_of("a\nb\nc", [0.0, 0.5, 0.0, 2.0, 0.0]), io.StringIO())[-6:] == [
        "a",
        "",
        "b⏎",
        " ▂",
        "c",
        "",
    ]


def test_a_terminal_has_a_colour_for_each_level() -> None:
    lines = shown(surprisal_of("abcd", [0.0, 1.0, 1.5, 9.0]), Terminal())
    assert lines[-1] == "a\x1b[48;5;229;38;5;16mbc\x1b[0m\x1b[48;5;124;38;5;231md\x1b[0m"
    assert lines[2].endswith("\x1b[48;5;124;38;5;231m ≥8 \x1b[0m")


def test_no_color_shows_bars_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    lines = shown(surprisal_of("ab", [0.0, 9.0]), Terminal())
    assert lines[-1] == " █"
    assert "\x1b" not in "".join(lines)


def test_long_lines_are_cut_at_the_width_of_the_terminal() -> None:
    lines = shown(surprisal_of("a" * 100, [0.0] * 100), Terminal())
    assert lines[-3:] == ["a" * 40, "a" * 40, "a" * 20]


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
@pytest.mark.parametrize("top", [None, 3])
def test_nothing_in_a_text_steers_the_terminal(stream: type[io.StringIO], top: int | None, monkeypatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    written = "".join(shown(surprisal_of(HOSTILE, [5.0] * len(HOSTILE), top=3), stream(), top=top))
    assert not {"\x1b", "\u202e", "\x07"} & set(written)


def test_the_bits_of_a_symbol_of_several_characters_are_shown_per_character() -> None:
    surprisal = surprisal_of("abc", [0.0, 4.0, 0.0])
    joined = Surprisal(**{**vars(surprisal), "texts": ["a", "bc", ""]})
    assert shown(joined, io.StringIO())[-2:] == ["abc", " ▂▂"]


def test_a_character_of_two_bytes_has_the_bits_of_both() -> None:
    lines = shown(surprisal_of("aé", [0.0, 2.0, 3.0], tokenizer=ByteTokenizer()), io.StringIO())
    assert lines[-2:] == ["aé", " ▅"]


def test_each_symbol_is_listed_with_what_was_likelier() -> None:
    heading, first, *_ = shown(surprisal_of("ab", [0.0, 2.0], top=2), io.StringIO(), top=2)[1:]
    assert heading.split() == ["symbol", "bits", "rank", "likeliest"]
    assert first.split() == ["'b'", "2.00", "3", "'a'", "50%", "<unknown>", "<1%"]


def test_alternatives_go_on_below_where_the_terminal_ends() -> None:
    lines = shown(surprisal_of("ab", [0.0, 2.0], top=2), Terminal(), top=2)
    assert lines[-1].strip() == "<unknown> <1%"
    assert lines[-1].index("<") == lines[-2].replace("\x1b[48;5;215;38;5;16m", "").replace("\x1b[0m", "").index("'a'")


def test_the_oddest_line_comes_first_whatever_its_length() -> None:
    stream = io.StringIO()
    surprisal = surprisal_of("aaaa\nb\n", [0.0, 3.0, 3.0, 3.0, 3.0, 4.0, 4.0])
    print_odd_lines(SurprisalResult("demo", "text", surprisal), stream)
    assert [line.split() for line in stream.getvalue().splitlines()[3:]] == [
        ["4.0000", "8.0", "2", "b"],
        ["3.0000", "12.0", "1", "aaaa"],
    ]


def test_empty_lines_come_last() -> None:
    stream = io.StringIO()
    print_odd_lines(SurprisalResult("demo", "text", surprisal_of("a\n\n \nb", [0.0, 1.0, 9.0, 9.0, 9.0, 2.0])), stream)
    assert [line.split()[2] for line in stream.getvalue().splitlines()[3:]] == ["4", "1", "2", "3"]


def test_an_empty_line_shows_its_end() -> None:
    stream = io.StringIO()
    print_odd_lines(SurprisalResult("demo", "text", surprisal_of("a\n\n \n", [0.0, 1.0, 9.0, 9.0, 9.0])), stream)
    assert [line[27:] for line in stream.getvalue().splitlines()[3:]] == ["  a", "  ⏎", "   ⏎"]


def test_a_terminal_shows_the_beginning_of_a_long_line() -> None:
    stream = Terminal()
    print_odd_lines(SurprisalResult("demo", "text", surprisal_of("ab" * 50, [1.0] * 100)), stream)
    assert len(stream.getvalue().splitlines()[-1]) == 40
    assert stream.getvalue().endswith("…\n")


def test_json_has_each_symbol_and_escapes_what_steers_a_terminal() -> None:
    stream = io.StringIO()
    surprisal = surprisal_of(HOSTILE, [0.0] + [1.25] * (len(HOSTILE) - 1), top=2)
    print_surprisal_json(SurprisalResult("demo", HOSTILE, surprisal), stream, by="character")
    assert not {"\x1b", "\u202e", "\x07"} & set(stream.getvalue())
    value = json.loads(stream.getvalue())
    assert value["text"] == "".join(each["text"] for each in value["symbols"]) == HOSTILE
    assert value["symbols"][0] == {"text": "a", "bits": None, "rank": None, "alternatives": []}
    assert value["symbols"][1]["bits"] == 1.25
    assert value["symbols"][1]["alternatives"][0] == [surprisal.tokenizer.symbol_name(1), 0.5]


def test_json_of_lines_has_the_oddest_first() -> None:
    stream = io.StringIO()
    surprisal = surprisal_of("a\nb", [0.0, 1.0, 2.0])
    print_surprisal_json(SurprisalResult("demo", "text", surprisal), stream, by="line")
    assert json.loads(stream.getvalue())["lines"] == [
        {"line": 2, "characters": 1, "bits": 2.0, "bits_per_character": 2.0, "text": "b"},
        {"line": 1, "characters": 1, "bits": 1.0, "bits_per_character": 1.0, "text": "a"},
    ]


@pytest.mark.parametrize("bits", [math.nan, math.inf])
def test_a_model_without_numbers_is_shown_as_surprised(bits: float) -> None:
    surprisal = surprisal_of("ab", [0.0, bits], top=1)
    assert shown(surprisal, io.StringIO())[-2:] == ["ab", " █"]
    assert shown(surprisal, io.StringIO())[0] == "demo on text: – bits/char, 1 character"
    for by in ("character", "line"):
        stream = io.StringIO()
        print_surprisal_json(SurprisalResult("demo", "text", surprisal), stream, by=by)
        assert json.loads(stream.getvalue())["score"]["bits_per_character"] is None
    assert "b" in shown(surprisal, io.StringIO(), top=1)[-1]
    print_odd_lines(SurprisalResult("demo", "text", surprisal), io.StringIO())
