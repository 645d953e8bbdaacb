import re
import tomllib
from pathlib import Path

import pytest

from charlm.cli import app
from charlm.errors import CharlmError, ConfigError, DataError
from tests.support.commands import TEXT

PACKAGE = Path(app.__file__).parents[2]


def failing(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> int:
    def fail(_: list[str]) -> int:
        raise error

    monkeypatch.setattr(app, "_invoke", fail)
    return app.run([])


@pytest.mark.parametrize(
    "arguments",
    [
        ["trian", "x.txt"],
        ["train"],
        ["train", "x.txt", "--hiden-size", "3"],
        ["train", "x.txt", "--hidden-size"],
        ["train", "x.txt", "--dropout", "2"],
        ["train", "x.txt", "--steps", "1", "--epochs", "2"],
        ["train", "x.txt", "--cell", "elman"],
        ["train", "x.txt", "--resume", "r"],
        ["train", "--resume", "r", "--dropout", "0.1"],
        ["train", "--resume", "r", "--no-residual"],
        ["train", "--resume", "r", "--steps", "-1"],
        ["train", "--resume", "r", "--steps", "1", "--budget", "2m"],
        ["train", "--resume", "r", "--init-from", "s"],
        ["sample"],
        ["sample", "r", "--temperature", "nan"],
        ["sample", "r", "--top-p", "2"],
        ["sample", "r", "--length", "-1"],
        ["sample", "r", "--prompt", "a", "--prompt-file", "b"],
        ["sample", "r", "--device", "gpu"],
        ["eval", "perplexity"],
        ["eval", "perplexity", "r", "t.txt", "--split", "test"],
        ["eval", "perplexity", "r", "--encoding", "latin-1"],
        ["eval", "perplexity", "r", "--context", "0"],
        ["data", "show"],
        ["data", "show", "t.txt", "--characters", "0"],
        ["data", "prepare", "t.txt", "--split", "1/2"],
    ],
)
def test_a_usage_error_is_one_sentence_and_exits_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert app.run(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("Error: ") and err.count("\n") == 1 and err[-2] in ".?"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("value", "words"), [("0", "greater than or equal to 1"), ("many", "a valid integer"), ("9999999", "1000000")]
)
def test_a_number_that_is_refused_is_so_in_words(value: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.run(["data", "show", "builtin:sums", "--characters", value]) == 2
    error = capsys.readouterr().err
    assert error.startswith("Error: --characters should be ") and words in error
    assert "Input" not in error and "parse" not in error


def test_the_refused_setting_is_named_on_resuming(capsys: pytest.CaptureFixture[str]) -> None:
    app.run(["train", "--resume", "r", "--steps", "3", "--hidden-size", "8"])
    assert "--hidden-size cannot be given with --resume" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["trian"], "train"),
        (["eval", "perplexty"], "perplexity"),
        (["train", "t.txt", "--epoch", "1"], "--epochs"),
        (["tune", "t.txt", "--budget", "60s"], "--trial-budget"),
    ],
)
def test_a_typo_is_answered_with_what_was_meant(
    arguments: list[str], meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert app.run(arguments) == 2
    assert f". Did you mean '{meant}'? See" in capsys.readouterr().err


def test_a_run_where_a_command_is_due_is_told_which_there_are(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "checkpoints" / "my run").mkdir(parents=True)
    assert app.run(["eval", "my run"]) == app.USAGE
    told = "For the run 'my run': charlm eval perplexity 'my run', or surprisal, accuracy or exposure. See 'charlm eval"
    assert told in capsys.readouterr().err
    for arguments in (["data", "my run"], ["eval", "no run"]):
        assert app.run(arguments) == app.USAGE
        assert "For the run" not in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["score"], ["eval", "loss"], ["train", "t.txt", "--overwrite"]])
def test_what_is_no_typo_is_not_answered_with_a_guess(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert app.run(arguments) == 2
    err = capsys.readouterr().err
    assert "No such" in err and "?" not in err and "Possible" not in err


@pytest.mark.parametrize("arguments", [[], ["eval"], ["data"]])
def test_no_command_shows_the_help_and_exits_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert app.run(arguments) == 2
    assert "Usage: charlm" in capsys.readouterr().out


@pytest.mark.parametrize("command", [["train"], ["compare"], ["sample"], ["eval", "perplexity"], []])
def test_help_on_a_narrow_terminal_keeps_option_names_whole(
    command: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    app.run([*command, "--help"])
    names = set(re.findall(r"--[a-z][a-z-]+", capsys.readouterr().out))
    monkeypatch.setenv("COLUMNS", "60")
    assert app.run([*command, "--help"]) == 0
    out = capsys.readouterr().out
    assert names <= set(re.findall(r"--[a-z][a-z-]+", out))


def test_flags_have_no_type_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["train"], ["list"], ["data"]):
        app.run([*arguments, "--help"])
        assert "bool" not in capsys.readouterr().out


@pytest.mark.parametrize("name", ["-h", "--help"])
def test_help_exits_0(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.run(["train", name]) == 0
    assert "--hidden-size" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert app.run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("charlm 0.")


def test_a_dry_run_prints_settings_that_config_reads(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.txt").write_text(TEXT)
    assert app.run(["train", "a.txt", "--dry-run", "--lr", "0.1", "--no-residual", "--steps", "7"]) == 0
    first = capsys.readouterr().out
    assert first.startswith("# length: 7 steps, as asked\n")
    assert "learning_rate = 0.1\n" in first and "residual = false\n" in first and "steps = 7\n" in first
    Path("run.toml").write_text(first)
    assert app.run(["train", "--config", "run.toml", "--dry-run"]) == 0
    assert capsys.readouterr().out == first
    assert {path.name for path in tmp_path.iterdir()} == {"a.txt", "run.toml"}


def test_a_dry_run_reads_what_it_is_given(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for arguments in (["none.txt"], ["none.txt", "--budget", "5s"]):
        assert app.run(["train", *arguments, "--dry-run"]) == 1
        assert "none.txt" in capsys.readouterr().err
    Path("short.txt").write_text("ab")
    assert app.run(["train", "short.txt", "--dry-run"]) == 1
    Path("a.txt").write_text(TEXT)
    assert app.run(["train", "a.txt", "--dry-run", "--init-from", "nobody"]) == 1
    capsys.readouterr()
    assert app.run(["train", "a.txt", "--dry-run", "--budget", "1s", "--threads", "1", "--quiet"]) == 0
    out = capsys.readouterr().out
    settings = tomllib.loads(out)
    # What the budget chose, in numbers; the budget itself would choose anew.
    assert settings["training"]["steps"] >= 1 and "budget" not in settings["training"]
    assert "\n# sizes: " in out and settings["model"]["hidden_size"] >= 1
    assert {path.name for path in tmp_path.iterdir()} == {"a.txt", "short.txt"}


MISSING_FILES = [
    "train none.txt",
    "train none.txt --dry-run",
    "train a.txt --valid none.txt",
    "train --config none.toml",
    "train a.txt --config .",
    "compare none.txt --models rnn --match parameters --steps 1",
    "data show none.txt",
    "data prepare none.txt",
    "data prepare a.txt --test none.txt",
    "inspect gradients none.txt",
    "sample nobody --prompt-file none.txt",
    "sample nobody --prompt-file .",
]
UNKNOWN_RUNS = [
    "sample nobody",
    "sample nobody/best.safetensors",
    "info nobody",
    "verify nobody",
    "eval perplexity nobody",
    "eval perplexity nobody a.txt",
    "eval exposure nobody",
    "export arpa nobody",
    "inspect gates nobody",
    "train --resume nobody",
    "train a.txt --init-from nobody",
]


@pytest.mark.parametrize("command", [*MISSING_FILES, *UNKNOWN_RUNS])
def test_a_missing_file_or_run_is_the_same_mistake_everywhere(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.txt").write_text(TEXT)
    assert app.run(command.split()) == 1
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("Error: ") and err.count("\n") == 1
    assert not Path("checkpoints").exists()


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (DataError("'a.txt' is empty."), 1, "Error: 'a.txt' is empty.\n"),
        (CharlmError("x\x1b[31m."), 1, "Error: x␛[31m.\n"),
        (ConfigError("No."), 2, "Error: No.\n"),
        (
            OSError(28, "No space left on device"),
            1,
            "Error: The disk is full; free some space and run the command again.\n",
        ),
        (PermissionError(13, "Permission denied", "x"), 1, "Error: 'x': Permission denied.\n"),
        (KeyboardInterrupt(), 130, ""),
        (BrokenPipeError(32, "Broken pipe"), 141, ""),
    ],
)
def test_errors_become_sentences_and_exit_codes(
    error: BaseException, code: int, message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert failing(error, monkeypatch) == code
    assert capsys.readouterr() == ("", message)


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")]
)
def test_running_out_of_memory_names_the_settings_to_lower(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert failing(error, monkeypatch) == 1
    assert "--batch-size" in capsys.readouterr().err


def test_a_bug_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RuntimeError, match="shapes"):
        failing(RuntimeError("shapes do not agree"), monkeypatch)
