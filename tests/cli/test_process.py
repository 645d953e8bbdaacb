"""The command line as a process of its own: what it loads, its streams, its codes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from charlm.cli import app
from tests.support.commands import TEXT

PACKAGE = Path(app.__file__).parents[2]


def charlm(*arguments: str, cwd: Path, stdin: bytes = b"", **environment: str) -> subprocess.CompletedProcess[bytes]:
    env = {**os.environ, "PYTHONPATH": str(PACKAGE), **environment}
    return subprocess.run(
        [sys.executable, "-m", "charlm", *arguments], cwd=cwd, env=env, input=stdin, capture_output=True, check=False
    )


def assert_ends_well(script: str) -> None:
    done = subprocess.run([sys.executable, "-c", script], cwd=PACKAGE, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_help_and_usage_errors_load_no_torch(tmp_path: Path) -> None:
    script = (
        "import sys; from charlm.cli.app import run\n"
        "for arguments in (['--help'], ['train', '--help'], ['sample', 'r', '--top-p', '2'], ['data', 'show', '-h']):\n"
        "    run(arguments)\n"
        "sys.exit(any(name.split('.')[0] in ('torch', 'numpy', 'sentencepiece') for name in sys.modules))"
    )
    assert_ends_well(script)


@pytest.mark.parametrize("arguments", [["--help"], ["data", "--help"], ["trian"], ["eval", "perplexty"]])
def test_help_and_usage_errors_load_no_command_that_was_not_asked_for(arguments: list[str]) -> None:
    script = (
        f"import sys; from charlm.cli.app import run; run({arguments})\n"
        "sys.exit(any(name.startswith(('charlm.cli.commands.', 'charlm.config', 'pydantic')) for name in sys.modules))"
    )
    assert_ends_well(script)


def test_the_help_of_no_command_loads_what_draws_results_or_builds_models_of_settings(tmp_path: Path) -> None:
    script = (
        "import sys; from charlm.cli.app import _COMMANDS, _GROUPS, run\n"
        "for words in [*zip(_COMMANDS), *((group, name) for group in _GROUPS for name in _GROUPS[group][1])]:\n"
        "    run([*words, '--help'])\n"
        "from charlm.config import RunConfig, SamplingConfig\n"
        "too_much = ('numpy', 'rich.console', 'tomllib', 'typer._adapters', 'importlib.metadata')\n"
        "built = RunConfig.__pydantic_complete__ or SamplingConfig.__pydantic_complete__\n"
        "sys.exit(built or any(name in too_much for name in sys.modules))"
    )
    assert_ends_well(script)


def test_what_cannot_be_compared_or_searched_is_told_without_torch(tmp_path: Path) -> None:
    space = tmp_path / "space.toml"
    space.write_text("[model]\nname = 3\n")
    script = (
        "import sys; from charlm.cli.app import run\n"
        "for words in (['--models', 'lsmt'], ['--grid', 'dorpout=0.1'], ['--sizes', '8'], ['--match', 'parameters']):\n"
        "    assert run(['compare', 'text.txt', *words]) == 2\n"
        f"for words in (['--model', 'ngram'], ['--space', {str(space)!r}]):\n"
        "    assert run(['tune', 'text.txt', *words]) == 2\n"
        "sys.exit('numpy' in sys.modules or 'torch' in sys.modules)"
    )
    assert_ends_well(script)


def test_the_module_is_the_command(tmp_path: Path) -> None:
    done = charlm("train", "x", "--dropout", "2", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr == b"Error: --dropout is '2'; it should be less than 1.\n"


def test_no_color_and_pipes_get_no_escape_codes(tmp_path: Path) -> None:
    assert b"\x1b" not in charlm("--help", cwd=tmp_path).stdout
    done = charlm("--help", cwd=tmp_path, FORCE_COLOR="1", NO_COLOR="1")
    assert b"\x1b[3" not in done.stdout


def test_output_is_utf8_whatever_the_locale(tmp_path: Path) -> None:
    (tmp_path / "ж.txt").write_text(TEXT)
    done = charlm("data", "show", "ж.txt", cwd=tmp_path, PYTHONIOENCODING="latin-1")
    assert done.returncode == 0
    assert "ж".encode() in done.stdout


def test_a_reader_that_leaves_is_answered_with_the_code_of_a_closed_pipe(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    env = {**os.environ, "PYTHONPATH": str(PACKAGE)}
    command = [sys.executable, "-m", "charlm", "data", "list"]
    done = subprocess.run(command, cwd=tmp_path, env=env, stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_standard_output_is_one_sentence(tmp_path: Path) -> None:
    env = {**os.environ, "PYTHONPATH": str(PACKAGE)}
    command = [sys.executable, "-m", "charlm", "data", "list"]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command, cwd=tmp_path, env=env, stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 1
    assert done.stderr == b"Error: The disk is full; free some space and run the command again.\n"


def test_the_shell_completes_runs_corpora_and_choices(tmp_path: Path) -> None:
    for name in ("verses", "verbs", "other"):
        (tmp_path / "checkpoints" / name).mkdir(parents=True)
        (tmp_path / "checkpoints" / name / "config.toml").touch()
    (tmp_path / "tiny.txt").touch()

    def completed(line: str) -> set[str]:
        words = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1)}
        done = charlm(cwd=tmp_path, _CHARLM_COMPLETE="complete_bash", **words)
        return set(done.stdout.decode().split())

    assert completed("charlm sample ver") == {"verbs", "verses"}
    assert completed("charlm train tiny") == {"tiny-shakespeare", "tiny.txt"}
    assert completed("charlm train --cell l") == {"lstm", "lstm-peephole"}
