import json

import pytest

from charlm.cli.display.console import print_json


def test_json_escapes_what_steers_a_terminal_and_keeps_the_value(capsys: pytest.CaptureFixture[str]) -> None:
    codes = [*range(0xA0), 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
    value = {"é\x9b": "".join(map(chr, codes)) + "é \\ 𝄞"}
    print_json(value)
    shown = capsys.readouterr().out
    assert json.loads(shown) == value
    kept = {chr(code) for code in (*range(0x20, 0x7F), ord("é"), ord("𝄞"))} | {"\n"}
    assert set(shown) <= kept
    assert "\\u202e" in shown and "\\u009b" in shown and "é" in shown
