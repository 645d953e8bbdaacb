import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import PACKAGE, SMALL, stdin_of


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
    assert all(each["prompt"] == "the " and len(each["text"]) == 5 for each in values)
    for value, seed in zip(values, (3, 4, 5), strict=True):
        assert value["seed"] == seed
        assert [value] == json.loads(
            charlm("sample", "demo", "-p", "the ", "-n", "5", "--seed", str(seed), "--json")[0]
        )


def test_json_has_the_seed_that_was_not_given(charlm: Any) -> None:
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
    assert "is not UTF-8 (at byte 2)" in charlm("sample", "demo", "--prompt", "-", code=1)[1]


def test_an_unknown_character_in_the_prompt_is_named_before_anything_is_printed(charlm: Any) -> None:
    out, err = charlm("sample", "demo", "--prompt", "Ж", code=1)
    assert out == "" and "Ж" in err and err.count("\n") == 1


def test_records_are_a_line_each(charlm: Any) -> None:
    Path("names.txt").write_text("ann\nbob\neve\nada\n" * 50)
    charlm("train", "names.txt", "--records", "lines", "--name", "names", "--steps", "2", "--quiet", *SMALL)
    out, _ = charlm("sample", "names", "--num-samples", "5", "--seed", "1")
    values = json.loads(charlm("sample", "names", "--num-samples", "5", "--seed", "1", "--json")[0])
    assert out == "".join(f"{each['text']}\n" for each in values)


@pytest.mark.parametrize("mix", ["none", "ngram:2"])
def test_before_there_is_a_best_model_the_last_state_is_sampled(charlm: Any, mix: str) -> None:
    name = f"young-{len(mix)}"
    charlm("train", "t.txt", "--name", name, "--steps", "2", "--mix", mix, "--quiet", *SMALL)
    whole = charlm("sample", name, "-n", "9", "--seed", "1")
    assert whole[1] == ""
    Path(f"checkpoints/{name}/best.safetensors").unlink()
    out, err = charlm("sample", name, "-n", "9", "--seed", "1")
    assert len(out) == 10 and f"Run '{name}' has no best model yet; this is its state after step 2" in err
    assert ("its network without the n-grams" in err) == (mix != "none")
    assert out == whole[0] or mix != "none"
