import json
import shlex

import pytest

from charlm.checkpointing.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from charlm.config import EvaluationConfig, make_request
from charlm.errors import CharlmError
from charlm.runs.evaluate.choice import TextChoice
from charlm.runs.evaluate.perplexity import perplexity
from charlm.runs.info import describe
from charlm.runs.reporting import SilentReporter, StopRequest
from charlm.runs.train.resume import resume
from charlm.runs.train.start import start
from charlm.runs.verify import verify_run


def trained(small_request, workspace, **settings):
    return start(small_request(name="one", **settings), workspace, SilentReporter(), StopRequest()).run


def test_verify_says_of_each_file_what_it_is(small_request, workspace):
    run = trained(small_request, workspace)
    report = verify_run("one", workspace)
    assert report.is_whole
    assert [each.file for each in report.files] == [
        "config.toml",
        "tokenizer.json",
        "metrics.jsonl",
        "best.safetensors",
        "last.safetensors",
        "step-8.safetensors",
    ]
    for each in report.files:
        whole = (run / each.file).read_bytes()
        for damage in (b"", whole[: len(whole) // 2] + b"\0", whole[:-1] + bytes([whole[-1] ^ 0x80])):
            (run / each.file).write_bytes(damage)
            damaged = [other.file for other in verify_run("one", workspace).files if other.problem is not None]
            assert damaged == [each.file] or each.file == "config.toml"
        (run / each.file).write_bytes(whole)
    assert verify_run("one", workspace).usable == ("charlm sample one", "charlm train --resume one --steps 500")


def test_how_a_model_adapts_is_a_file_of_the_run(small_request, workspace):
    run = trained(small_request, workspace)
    for method in ("full", "counts"):
        perplexity("one", TextChoice(), EvaluationConfig(adapt=method), workspace, SilentReporter())
    report = verify_run("one", workspace)
    assert report.is_whole
    assert [each.file for each in report.files][3:6] == [
        "best.safetensors",
        "adaptation-counts.safetensors",
        "adaptation-full.safetensors",
    ]
    assert [each.holds for each in report.files[4:6]] == [
        f"what the best model learnt from the validation text for --adapt {method}" for method in ("counts", "full")
    ]
    path = run / "adaptation-full.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 0x80]))
    damaged = verify_run("one", workspace)
    (problem,) = (each.problem for each in damaged.files if each.problem is not None)
    assert str(path) in problem and "Remove it" in problem
    assert damaged.usable == report.usable
    # What describes the run counts the file, and does not read it.
    assert describe("one", workspace).facts["size_bytes"] == sum(each.stat().st_size for each in run.iterdir())


def test_lines_of_metrics_that_were_changed_are_noticed_but_for_their_seconds(small_request, workspace):
    metrics = trained(small_request, workspace) / "metrics.jsonl"
    whole = metrics.read_text().splitlines(keepends=True)
    first = json.loads(whole[0])
    for changed, is_whole in (
        ([json.dumps(first | {"seconds": 99.0}) + "\n", *whole[1:]], True),
        ([json.dumps(first | {"gradient_norm": 0.5}) + "\n", *whole[1:]], False),
        (whole[1:], False),
        ([], False),
        # After its newest state, a run that was killed has more lines.
        ([*whole, '{"step": 99}\n'], True),
    ):
        metrics.write_text("".join(changed))
        report = verify_run("one", workspace)
        assert report.is_whole == is_whole
        if not is_whole:
            (problem,) = (each.problem for each in report.files if each.problem is not None)
            assert problem.startswith(f"Lines of '{metrics}' up to step 12 were changed or removed")


def test_metrics_of_states_that_say_nothing_of_them_are_taken_as_they_are(small_request, workspace):
    run = trained(small_request, workspace)
    for name in ("last", "step-8"):
        stored = read_checkpoint(run / f"{name}.safetensors")
        values = {key: value for key, value in stored.values.items() if key != "metrics"}
        write_checkpoint(run / f"{name}.safetensors", Checkpoint(stored.tensors, values))
    (run / "metrics.jsonl").write_text('{"step": 12}\n')
    assert verify_run("one", workspace).is_whole
    resume("one", workspace, SilentReporter(), StopRequest(), overrides={"steps": 14})
    assert verify_run("one", workspace).is_whole
    (run / "metrics.jsonl").write_text('{"step": 14}\n')
    assert not verify_run("one", workspace).is_whole


def test_verify_of_counted_runs_and_of_runs_without_a_model(small_request, workspace):
    counted = make_request(
        {
            "data": {"corpus": small_request().config.data.corpus},
            "model": {"model": "ngram"},
            "run": {"name": "counted"},
        }
    )
    start(counted, workspace, SilentReporter(), StopRequest())
    assert verify_run("counted", workspace).is_whole
    run = trained(small_request, workspace)
    (run / "best.safetensors").unlink()
    assert verify_run("one", workspace).usable == ("charlm train --resume one --steps 500",)


def test_commands_to_copy_are_quoted_for_the_shell(small_request, workspace):
    name = "it's my run; ls"
    run = trained(small_request, workspace, steps=3).rename(workspace.checkpoints / name)
    commands = [*verify_run(name, workspace).usable, *_commands_of_errors(name, workspace)]
    (run / "last.safetensors").write_bytes(b"")
    commands += _commands_of_errors(name, workspace)
    assert len(commands) == 4
    for command in commands:
        words = shlex.split(command)
        assert words[:1] == ["charlm"]
        assert any(word in (name, str(run / "last.safetensors")) or word.startswith(str(run)) for word in words)


def _commands_of_errors(name, workspace):
    with pytest.raises(CharlmError) as caught:
        resume(name, workspace, SilentReporter(), StopRequest())
    return [f"charlm {end}" for end in str(caught.value).split("charlm ")[1:]]


def test_a_best_model_that_was_removed_is_missed(small_request, workspace):
    run = trained(small_request, workspace)
    (run / "best.safetensors").unlink()
    report = verify_run("one", workspace)
    assert [each.file for each in report.files if each.problem is not None] == ["best.safetensors"]
    assert report.usable == ("charlm train --resume one --steps 500",)
