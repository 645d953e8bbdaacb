from charlm.config import make_request
from charlm.runs.reporting import SilentReporter, StopRequest
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
            # Metrics that lost their last lines, or all, are what a run stopped earlier has.
            assert damaged == [each.file] or each.file in ("metrics.jsonl", "config.toml")
        (run / each.file).write_bytes(whole)
    assert verify_run("one", workspace).usable == ("charlm sample one", "charlm train --resume one")


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
    assert verify_run("one", workspace).usable == ("charlm train --resume one",)
