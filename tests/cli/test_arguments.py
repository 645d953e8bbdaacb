"""Whatever is typed: an exit code and a sentence, never a traceback."""

import io
import sys
from pathlib import Path

import click
import pytest
import typer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import charlm.data.downloading
import charlm.models.build
import charlm.runs.compare.running
import charlm.runs.train.resume
import charlm.runs.train.start
import charlm.training.trainer
from charlm.cli.app import build_app, run
from charlm.cli.display.text import use_utf8
from charlm.errors import CharlmError
from tests.support.quick_commands import reuse_parser


def commands(group: click.Group, before: tuple[str, ...] = ()) -> dict[tuple[str, ...], list[str]]:
    """Returns every command, with the names of its options."""
    found = {}
    for name, command in group.commands.items():
        path = (*before, name)
        if isinstance(command, click.Group):
            found |= commands(command, path)
        found[path] = [option for parameter in command.params for option in parameter.opts if option.startswith("-")]
    return found


COMMANDS = commands(typer.main.get_command(build_app()))
OPTIONS = sorted({option for options in COMMANDS.values() for option in options})
VALUES = st.one_of(
    st.sampled_from(
        [
            *("", "-", "--", "0", "1", "-1", "1e400", "nan", "inf", "-0", "2**70", str(2**70), "none", "auto", "lstm"),
            *("ngram:5", "ngram:0", "mlp:3", "90/5/5", "1/1", "10s", "0s", "1e9h", "5GB", "tale.txt", ".", "..", "/"),
            *("*", "**", "[", "~", "\n", "\x1b[2J", "a" * 5000, "é", "😀", "../../x", "CON", "con.txt", "--help"),
        ]
    ),
    # No NUL, which no command line can hold.
    st.text(st.characters(exclude_characters="\0"), max_size=12),
    st.text(st.characters(categories=["Cs", "Cc", "Cf", "Co"], exclude_characters="\0"), max_size=4),
    st.integers().map(str),
    st.floats().map(str),
)
ARGUMENTS = st.lists(st.one_of(st.sampled_from(OPTIONS), VALUES), max_size=7)


class RefusedError(CharlmError):
    """Where a command would begin to work for long."""


def refuse(*_: object, **__: object) -> None:
    raise RefusedError("Not in this test.")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "tale.txt").write_text("a tale of a cat. " * 30)
    monkeypatch.chdir(tmp_path)
    for module, name in (
        *(
            (charlm.runs.train.start, "start"),
            (charlm.runs.train.resume, "resume"),
            (charlm.runs.compare.running, "start"),
        ),
        *((charlm.runs.compare.running, "resume"), (charlm.data.downloading, "fetch_text")),
    ):
        monkeypatch.setattr(module, name, refuse)
    monkeypatch.setattr(charlm.training.trainer.Trainer, "__init__", refuse)
    return tmp_path


def fine(argv: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a cat")))
    use_utf8((sys.stdout, sys.stderr))
    try:
        code = run(argv)
    finally:
        written = capsys.readouterr()
    assert code in (0, 1, 2), argv
    if code == 1 and argv[0] != "compare":  # which tells of each model that failed
        assert written.err.count("Error: ") == 1, (argv, written.err)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(data=st.data())
def test_random_arguments_of_every_command(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], data: st.DataObject
) -> None:
    command = data.draw(st.sampled_from(sorted(COMMANDS)))
    own = st.sampled_from(COMMANDS[command]) if COMMANDS[command] else VALUES
    typed = data.draw(
        st.lists(st.one_of(st.tuples(own, VALUES).map(list), VALUES.map(lambda value: [value])), max_size=5)
    )
    fine([*command, *(each for part in typed for each in part)], monkeypatch, capsys)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(argv=ARGUMENTS)
def test_random_arguments_of_no_command(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], argv: list[str]
) -> None:
    fine(argv, monkeypatch, capsys)


@pytest.mark.parametrize("command", sorted(COMMANDS), ids=" ".join)
def test_every_option_of_every_command_with_odd_values(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: tuple[str, ...]
) -> None:
    reuse_parser(command, replace=monkeypatch.setattr)
    for option in COMMANDS[command]:
        for value in ("", "-1", "nan", "1e400", "\x1b[2J", "9" * 30, "😀", "tale.txt"):
            fine([*command, option, value, "tale.txt"], monkeypatch, capsys)
