import io
import json
import os
import signal
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import PACKAGE, SMALL, TEXT, stdin_of
from tests.support.processes import MOST_SECONDS


def test_training_prints_results_to_stdout_and_progress_to_stderr(charlm: Any) -> None:
    out, err = charlm("train", "t.txt", "--steps", "2", *SMALL)
    assert "perplexity" in out and "uniform" in out and "unigram" in out and "charlm sample" in out
    assert "step 2 of 2" in err and "evaluation at step" in err
    assert "step 2 of 2" not in out and "\x1b" not in out + err


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


def test_events_for_tensorboard_are_written_where_they_were_asked_for(charlm: Any, folder: Path) -> None:
    pytest.importorskip("tensorboardX", reason="needs the extra 'tensorboard'")
    charlm("train", "t.txt", "--name", "seen", "--steps", "2", "--quiet", "--tensorboard", *SMALL)
    (events,) = (folder / "checkpoints/seen/tensorboard").iterdir()
    size = events.stat().st_size
    charlm("train", "--resume", "seen", "--steps", "5", "--quiet")
    (events,) = (folder / "checkpoints/seen/tensorboard").iterdir()
    assert events.stat().st_size > size


def test_fine_tuning_starts_from_another_run(charlm: Any) -> None:
    arguments = ["--init-from", "demo", "--steps", "2", "--json", "--batch-size", "2", "--sequence-length", "8"]
    out, err = charlm("train", "t.txt", *arguments)
    assert json.loads(out)["steps"] == 2 and "demo" in err


def test_a_run_that_exists_is_kept(charlm: Any) -> None:
    _, err = charlm("train", "t.txt", "--name", "demo", "--steps", "2", *SMALL, code=1)
    assert err.startswith("Error: ") and err.count("\n") == 1


def test_an_interrupt_saves_and_prints_the_command_that_goes_on(folder: Path) -> None:
    env = {**os.environ, "PYTHONPATH": str(PACKAGE)}
    command = [sys.executable, "-m", "charlm", "train", "t.txt", "--name", "stopped", "--steps", "1000000", *SMALL]
    process = subprocess.Popen(command, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("step "):
            break
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=MOST_SECONDS)
    assert (process.returncode, out) == (130, "")
    assert "Finishing the step" in err and err.endswith("\ncharlm train --resume stopped\n")
    assert (folder / "checkpoints" / "stopped" / "last.safetensors").exists()


class _Interrupted(io.RawIOBase):
    """A stream at which Ctrl-C is typed while it is read."""

    def readable(self) -> bool:
        return True

    def readinto(self, _: Any) -> int:
        raise KeyboardInterrupt


def test_an_interrupt_before_the_first_step_says_that_nothing_was_trained(
    charlm: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sorted((folder / "checkpoints").iterdir())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(_Interrupted())))
    out, err = charlm("train", "-", "--steps", "2", *SMALL, code=130)
    assert out == "" and err.startswith("Stopped before the first step: nothing was trained, and no run was made.")
    assert err.count("\n") == 1 and sorted((folder / "checkpoints").iterdir()) == before


@pytest.mark.parametrize("recipe", sorted((PACKAGE / "docs" / "recipes").glob("*.toml")), ids=lambda path: path.stem)
def test_recipes_train_at_a_small_size(charlm: Any, recipe: Path) -> None:
    small = ["--batch-size", "4", "--sequence-length", "16", "--steps", "6", "--evaluations", "6", "--device", "cpu"]
    sizes = ["--hidden-size", "6", "--embedding-size", "4", "--name", recipe.stem, "--average-after", "1"]
    charlm("train", "t.txt", "--config", str(recipe), *small, *sizes, "--quiet")
    settings = tomllib.loads(Path(f"checkpoints/{recipe.stem}/config.toml").read_text())
    assert settings["model"]["weight_drop"] == 0.5 and settings["training"]["average_after"] == 1
    charlm("train", "--resume", recipe.stem, "--steps", "8", "--quiet")
