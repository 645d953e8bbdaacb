"""The commands from end to end, on a text of a few hundred characters and a network of a few units."""

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from charlm.cli import app

PACKAGE = Path(app.__file__).parents[2]
TEXT = "the quick brown fox jumps over the lazy dog; " * 40
SMALL = ["--hidden-size", "4", "--embedding-size", "4", "--batch-size", "2", "--sequence-length", "8"]
SMALL += ["--device", "cpu", "--evaluations", "2"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("workspace")
    (folder / "t.txt").write_text(TEXT)
    before = Path.cwd()
    os.chdir(folder)
    try:
        assert app.run(["train", "t.txt", "--name", "demo", "--steps", "4", "--quiet", *SMALL]) == 0
    finally:
        os.chdir(before)
    return folder


@pytest.fixture
def charlm(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    monkeypatch.chdir(folder)

    def run(*arguments: str, code: int = 0) -> tuple[str, str]:
        capsys.readouterr()
        assert app.run(list(arguments)) == code, capsys.readouterr()
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return out, err

    return run


def stdin_of(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def test_training_prints_results_to_stdout_and_progress_to_stderr(charlm: Any) -> None:
    out, err = charlm("train", "t.txt", "--steps", "2", *SMALL)
    assert "perplexity" in out and "uniform" in out and "unigram" in out and "charlm sample" in out
    assert "step 2/2" in err and "evaluation at step" in err
    assert "step 2/2" not in out and "\x1b" not in out + err


def test_training_as_json_is_one_object_alone_on_stdout(charlm: Any) -> None:
    out, _ = charlm("train", "t.txt", "--steps", "2", "--json", *SMALL)
    value = json.loads(out)
    assert value["steps"] == 2 and value["validation"]["perplexity"] > 1 and value["interrupted"] is False


def test_quiet_training_prints_results_only(charlm: Any) -> None:
    out, err = charlm("train", "t.txt", "--steps", "2", "--quiet", *SMALL)
    assert "perplexity" in out and err == ""


def test_training_reads_standard_input(charlm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    stdin_of(TEXT.encode(), monkeypatch)
    out, _ = charlm("train", "-", "--steps", "2", "--json", *SMALL)
    assert json.loads(out)["steps"] == 2


def test_resuming_goes_on_to_a_new_length(charlm: Any) -> None:
    charlm("train", "t.txt", "--name", "longer", "--steps", "2", "--quiet", *SMALL)
    out, _ = charlm("train", "--resume", "longer", "--steps", "5", "--json")
    assert json.loads(out)["steps"] == 5


def test_fine_tuning_starts_from_another_run(charlm: Any) -> None:
    arguments = ["--init-from", "demo", "--steps", "2", "--json", "--batch-size", "2", "--sequence-length", "8"]
    out, err = charlm("train", "t.txt", *arguments)
    assert json.loads(out)["steps"] == 2 and "demo" in err


def test_a_run_that_exists_is_kept(charlm: Any) -> None:
    _, err = charlm("train", "t.txt", "--name", "demo", "--steps", "2", *SMALL, code=1)
    assert err.startswith("Error: ") and err.count("\n") == 1


def test_a_sample_begins_with_the_prompt_and_is_the_same_for_a_seed(charlm: Any) -> None:
    first, err = charlm("sample", "demo", "--prompt", "the ", "--length", "20", "--seed", "3")
    assert first.startswith("the ") and len(first.rstrip("\n")) == 24 and first.endswith("\n") and err == ""
    assert charlm("sample", "demo", "--prompt", "the ", "-n", "20", "--seed", "3")[0] == first
    assert charlm("sample", "demo", "--prompt", "the ", "-n", "20", "--seed", "3", "--no-echo")[0] == first[4:]


def test_sampling_on_the_cpu_loads_no_torch(folder: Path) -> None:
    code = "import sys; from charlm.cli.app import run; code = run(sys.argv[1:]); print('torch' in sys.modules, code)"
    env = {**os.environ, "PYTHONPATH": str(PACKAGE)}
    command = [sys.executable, "-c", code, "sample", "demo", "-p", "the ", "-n", "20", "--top-p", "0.9"]
    finished = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=True)
    assert finished.stdout.endswith("\nFalse 0\n")


def test_a_sample_with_int8_weights(charlm: Any) -> None:
    out, _ = charlm("sample", "demo", "-p", "the ", "-n", "20", "--weights", "int8", "--no-echo")
    assert len(out.rstrip("\n")) == 20


def test_samples_as_json(charlm: Any) -> None:
    out, _ = charlm("sample", "demo", "-p", "the ", "-n", "5", "--num-samples", "3", "--seed", "3", "--json")
    values = json.loads(out)
    assert [set(each) for each in values] == [{"prompt", "text", "seed"}] * 3
    assert all(each["prompt"] == "the " and len(each["text"]) == 5 and each["seed"] == 3 for each in values)


def test_a_seed_that_was_not_given_is_told_in_json(charlm: Any) -> None:
    (value,) = json.loads(charlm("sample", "demo", "-n", "9", "--json")[0])
    (again,) = json.loads(charlm("sample", "demo", "-n", "9", "--json", "--seed", str(value["seed"]))[0])
    assert again == value


def test_several_samples_are_apart_and_in_order(charlm: Any) -> None:
    out, _ = charlm("sample", "demo", "-p", "a", "-n", "3", "--num-samples", "2")
    assert [line for line in out.splitlines() if line.startswith("---")] == [
        "--- sample 1 of 2 ---",
        "--- sample 2 of 2 ---",
    ]


@pytest.mark.parametrize("how", [("--prompt", "-"), ("--prompt-file", "-"), ("--prompt-file", "prompt.txt")])
def test_prompts_come_from_files_and_standard_input(
    charlm: Any, monkeypatch: pytest.MonkeyPatch, how: tuple[str, str]
) -> None:
    Path("prompt.txt").write_text("lazy")
    stdin_of(b"lazy", monkeypatch)
    (value,) = json.loads(charlm("sample", "demo", *how, "-n", "1", "--json")[0])
    assert value["prompt"] == "lazy"


def test_a_prompt_that_is_not_text_is_refused(charlm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    stdin_of(b"ab\xff", monkeypatch)
    assert "is not UTF-8 (at byte 2)" in charlm("sample", "demo", "--prompt", "-", code=2)[1]


def test_an_unknown_character_in_the_prompt_is_named_before_anything_is_printed(charlm: Any) -> None:
    out, err = charlm("sample", "demo", "--prompt", "Ж", code=1)
    assert out == "" and "Ж" in err and err.count("\n") == 1


def test_scoring_the_runs_own_text_and_another(charlm: Any) -> None:
    own = json.loads(charlm("eval", "perplexity", "demo", "--json")[0])
    Path("other.txt").write_text("the lazy dog; " * 5)
    other = json.loads(charlm("eval", "perplexity", "demo", "other.txt", "--json")[0])
    assert other["symbols"] == 69 and own["symbols"] != 69
    assert set(own["baselines"]) == {"uniform", "unigram"}
    out, _ = charlm("eval", "perplexity", "demo", "--split", "valid")
    assert "bits/char" in out and "symbols scored" in out


def test_scoring_int8_weights_tells_what_they_cost(charlm: Any) -> None:
    value = json.loads(charlm("eval", "perplexity", "demo", "--weights", "int8", "--json")[0])
    plain = json.loads(charlm("eval", "perplexity", "demo", "--json")[0])
    assert value["exact"]["bits_per_character"] == plain["bits_per_character"] and "exact" not in plain
    assert value["bits_per_character"] == pytest.approx(plain["bits_per_character"], abs=0.05)
    assert "int8 weights cost" in charlm("eval", "perplexity", "demo", "--weights", "int8")[0]


def test_scoring_standard_input(charlm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    stdin_of(b"the dog", monkeypatch)
    assert json.loads(charlm("eval", "perplexity", "demo", "-", "--json")[0])["symbols"] == 6


def test_info_tells_what_a_run_is(charlm: Any) -> None:
    out, _ = charlm("info", "demo")
    assert "t.txt" in out and "validation" in out
    assert json.loads(charlm("info", "demo", "--json")[0])["run"] == "demo"


@pytest.mark.parametrize("command", [["sample"], ["info"], ["eval", "perplexity"], ["train", "--resume"]])
def test_an_unknown_run_is_one_sentence(charlm: Any, command: list[str]) -> None:
    out, err = charlm(*command, "nobody", code=1)
    assert out == "" and err.startswith("Error: ") and "nobody" in err and err.count("\n") == 1


def test_the_list_of_corpora(charlm: Any) -> None:
    out, _ = charlm("data", "list")
    assert "tiny-shakespeare" in out and "builtin:python-docs" in out
    assert {"name", "state", "licence"} <= set(json.loads(charlm("data", "list", "--json")[0])[0])


def test_showing_and_preparing_a_text(charlm: Any) -> None:
    out, _ = charlm("data", "show", "t.txt", "--characters", "9")
    assert "1,800 characters" in out and out.endswith("\n  the quick\n")
    out, _ = charlm("data", "prepare", "t.txt", "--tokenizer", "byte")
    assert "t" in out


def test_a_missing_text_is_one_sentence(charlm: Any) -> None:
    for command in (["train", "none.txt"], ["data", "show", "none.txt"], ["eval", "perplexity", "demo", "none.txt"]):
        out, err = charlm(*command, code=1)
        assert out == "" and "none.txt" in err and err.count("Error:") == 1


def test_an_interrupt_saves_and_prints_the_command_that_goes_on(folder: Path) -> None:
    env = {**os.environ, "PYTHONPATH": str(PACKAGE)}
    command = [sys.executable, "-m", "charlm", "train", "t.txt", "--name", "stopped", "--steps", "1000000", *SMALL]
    process = subprocess.Popen(command, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("step "):
            break
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert "Finishing the step" in err and err.endswith("\ncharlm train --resume stopped\n")
    assert (folder / "checkpoints" / "stopped" / "last.safetensors").exists()
