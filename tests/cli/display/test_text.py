import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charlm.cli.display.text import TextWriter, print_json, use_utf8
from charlm.notation import visible


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_controls_are_visible_and_line_ends_and_tabs_stay() -> None:
    assert visible("a\tb\nc\x1b[31m\r\x00\x7f") == "a\tb\nc␛[31m␍␀␡"
    assert visible("\x9b\u202e") == "\\u009b\\u202e"


@settings(deadline=None, max_examples=100)
@given(st.text())
def test_nothing_that_steers_a_terminal_is_left(text: str) -> None:
    shown = visible(text)
    assert not set(shown) & ({chr(code) for code in (*range(32), *range(0x7F, 0xA0))} - {"\n", "\t"})
    assert visible(shown) == shown


def test_a_pipe_gets_the_text_unchanged() -> None:
    stream = io.StringIO()
    writer = TextWriter(stream)
    writer.prompt("P\x1b")
    writer.write("[bold]\x1b[31m\r")
    writer.end()
    assert stream.getvalue() == "P\x1b[bold]\x1b[31m\r\n"


def test_a_terminal_gets_a_dim_prompt_and_visible_controls() -> None:
    stream = Terminal()
    writer = TextWriter(stream)
    writer.prompt("P")
    writer.write("[bold]\x1b[31m\n")
    writer.end()
    assert stream.getvalue() == "\x1b[2mP\x1b[22m[bold]␛[31m\n"


def test_without_colour_a_terminal_gets_no_escape_codes() -> None:
    stream = Terminal()
    writer = TextWriter(stream, colour=False)
    writer.prompt("P")
    writer.heading("x")
    assert "\x1b" not in stream.getvalue()


def test_a_text_ends_with_exactly_one_line_end() -> None:
    for text, expected in (("a", "a\n"), ("a\n", "a\n"), ("", "")):
        stream = io.StringIO()
        writer = TextWriter(stream)
        writer.write(text)
        writer.end()
        assert stream.getvalue() == expected


def test_streams_write_utf8_whatever_the_locale() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="latin-1")
    use_utf8([stream])
    stream.write("ж\udc80")
    stream.flush()
    assert raw.getvalue() == "ж\\udc80".encode()


def test_a_terminal_keeps_its_own_encoding() -> None:
    class LatinTerminal(io.TextIOWrapper):
        def isatty(self) -> bool:
            return True

    raw = io.BytesIO()
    stream = LatinTerminal(raw, encoding="latin-1")
    use_utf8([stream])
    stream.write("éж")
    stream.flush()
    assert raw.getvalue() == "é\\u0436".encode("latin-1")


def test_json_escapes_what_steers_a_terminal_and_keeps_the_value(capsys: pytest.CaptureFixture[str]) -> None:
    codes = [*range(0xA0), 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
    value = {"é\x9b": "".join(map(chr, codes)) + "é \\ 𝄞"}
    print_json(value)
    shown = capsys.readouterr().out
    assert json.loads(shown) == value
    kept = {chr(code) for code in (*range(0x20, 0x7F), ord("é"), ord("𝄞"))} | {"\n"}
    assert set(shown) <= kept
    assert "\\u202e" in shown and "\\u009b" in shown and "é" in shown
