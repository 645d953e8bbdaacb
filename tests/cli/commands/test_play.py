"""`charlm play` with lines from a list instead of a terminal, and once with a terminal."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from charlm.cli.commands.play import talk
from charlm.config import SamplingConfig
from charlm.runs.sample import converse
from charlm.runs.stored.workspace import Workspace
from tests.support.commands import PACKAGE


@pytest.fixture
def say(charlm, folder, capsys):
    """A function that says lines to the run, and returns what was printed and the conversation."""

    def run(*lines):
        conversation, _ = converse("demo", SamplingConfig(length=8), Workspace(), seed=1)
        waiting = iter(lines)

        def read_line():
            line = next(waiting, EOFError())
            if isinstance(line, BaseException):
                raise line
            return line

        capsys.readouterr()
        talk(conversation, read_line)
        return *capsys.readouterr(), conversation

    return run


def test_what_is_typed_goes_on(say):
    out, _, conversation = say("the cat", "")
    first, second = conversation.turns
    assert out == f"the cat{first.answer}\n{second.answer}\n"
    assert len(first.answer) == len(second.answer) == 8


def test_an_answer_that_is_cut_is_explained_once(say):
    _, err, conversation = say("the cat", "", "")
    assert [turn.is_cut for turn in conversation.turns] == [True, True, True]
    assert err.count("Cut after 8 characters (--length); Enter alone goes on.") == 1


def test_commands_do_what_they_say(say, folder):
    _, err, conversation = say("the", "a", "/undo", "/temperature 0.25", "/save talk.txt", "/surprise", "/help")
    assert conversation.settings.temperature == 0.25
    assert conversation.settings.length == 8
    (turn,) = conversation.turns
    assert (folder / "talk.txt").read_text() == "the" + turn.answer
    assert "bits a symbol" in err
    assert "/surprise        show" in err


def test_again_writes_another_answer_to_the_same(say):
    out, _, conversation = say("the", "/again")
    (turn,) = conversation.turns
    assert turn.typed == "the"
    assert out.splitlines()[-1] == ("the" + turn.answer).splitlines()[-1]


def test_surprise_shows_a_character_of_two_bytes_with_the_bits_of_both(charlm, folder, capsys, monkeypatch):
    conversation, _ = converse("demo", SamplingConfig(length=1), Workspace(), seed=1)
    monkeypatch.setattr(conversation, "surprise", lambda: (("a", "", "é"), (1.0, 2.0, 3.0)))
    lines = iter(["/surprise"])
    capsys.readouterr()
    talk(conversation, lambda: next(lines, None) or _raise(EOFError()))
    assert capsys.readouterr().out.splitlines()[-2:] == ["aé", "▁▅"]


def _raise(error: BaseException) -> str:
    raise error


def test_two_slashes_begin_a_text_and_quit_ends(say):
    out, err, conversation = say("//", "/quit", "the")
    assert conversation.turns == []
    assert "'/'" in err  # The model does not know a slash; it was read as text.
    assert out == ""


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("/undo", "Nothing has been written yet."),
        ("/again", "Nothing has been written yet."),
        ("/surprise", "Nothing has been written yet."),
        ("/temperature", "/temperature is ''; it should be a valid number"),
        ("/temperature -1", "/temperature is '-1'; it should be greater than or equal to 0"),
        ("/temperature nan", "/temperature is 'nan'"),
        ("/save", "/save needs the name of a file"),
        ("/save t.txt", "'t.txt' exists already"),
        ("/save no/such/folder.txt", "no/such/folder.txt"),
        ("/save " + 300 * "x", "cannot be written"),
        ("/save a\x00b", "a␀b"),
        ("/sing \x1b[31m", "There is no command '/sing'"),
        ("日", "which the model does not know"),
    ],
)
def test_a_mistake_is_one_sentence_and_the_talk_goes_on(say, monkeypatch, line, message):
    _, err, conversation = say(line, "the")
    assert message in err or message.replace("␀", "\\x00") in err or message.replace("␀", "\x00") in err
    assert [turn.typed for turn in conversation.turns] == ["the"]


def test_an_interrupt_at_the_prompt_ends_nothing(say):
    _, err, conversation = say(KeyboardInterrupt(), "the")
    assert "Ctrl-D or /quit ends." in err
    assert len(conversation.turns) == 1


def test_an_interrupt_while_drawing_ends_the_answer_alone(charlm, capsys):
    conversation, _ = converse("demo", SamplingConfig(length=0), Workspace(), seed=1)
    step, num_drawn = conversation._model.stepper, 0

    class Interrupting:
        def __init__(self, state):
            self._stepper = step(state)
            self.state = self._stepper.state

        def step(self, tokens):
            nonlocal num_drawn
            num_drawn += 1
            if num_drawn == 5:
                os.kill(os.getpid(), signal.SIGINT)
            return self._stepper.step(tokens)

    conversation._model.stepper = Interrupting
    lines = iter(["the"])

    def read_line():
        try:
            return next(lines)
        except StopIteration:
            raise EOFError from None

    talk(conversation, read_line)
    (turn,) = conversation.turns
    assert 4 <= len(turn.answer) <= 6


def test_without_a_terminal_or_the_extra_it_says_so(charlm, monkeypatch):
    assert "charlm sample RUN --prompt TEXT" in charlm("play", "demo", code=2)[1]
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "pip install 'charlm[play]'" in charlm("play", "demo", code=2)[1]


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal")
def test_a_terminal_talks_without_torch(folder: Path) -> None:
    pytest.importorskip("prompt_toolkit")
    import pty

    ours, theirs = pty.openpty()
    program = (
        "import sys; from charlm.cli.app import run; code = run(['play', 'demo', '--length', '9', '--seed', '1']);"
        "print('ended', code, 'torch' in sys.modules)"
    )
    env = {**os.environ, "PYTHONPATH": str(PACKAGE), "TERM": "xterm"}
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=theirs, stdout=theirs, stderr=theirs, cwd=folder, env=env
    ):
        os.close(theirs)
        seen = b""
        for expected, typed in ((b">", b"the\r"), (b"the\x1b[22m", b""), (b">", b"\x04"), (b"ended 0 False", b"")):
            while expected not in seen:
                seen += os.read(ours, 4096)
            seen = seen.partition(expected)[2]
            os.write(ours, typed)
    os.close(ours)
