"""Event files have the lines of metrics.jsonl, each once, however a training was stopped and gone on with."""

import json
import struct
from pathlib import Path

import pytest

from charlm.checkpointing.metrics import append_metrics, trim_metrics
from charlm.checkpointing.run_folder import RunFolder
from charlm.config import by_section, make_request
from charlm.errors import ConfigError
from charlm.runs.info import describe
from charlm.runs.reporting import LossPoint, SilentReporter, StepReport, StopRequest, TrainingSummary
from charlm.runs.train import tensorboard
from charlm.runs.train.resume import resume
from charlm.runs.train.start import start
from charlm.runs.train.tensorboard import TensorBoardReporter, scalars_of
from charlm.runs.verify import verify_run
from tests.support.reporters import CrashAfter, KilledError, RecordingReporter, StopAfter

event_pb2 = pytest.importorskip("tensorboardX.proto.event_pb2", reason="needs the extra 'tensorboard'")


def masked_crc32c(data: bytes) -> int:
    """Returns the checksum of TFRecord files: CRC-32C (RFC 3720, section B.4), rotated, plus a constant."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def events_of(run: Path) -> list[tuple[int, dict[str, float]]]:
    """Returns the steps and scalars of the one event file of a run, whose checksums are right."""
    (path,) = (run / "tensorboard").iterdir()
    data, events = path.read_bytes(), []
    while data:
        (length,) = struct.unpack("<Q", data[:8])
        assert struct.unpack("<I", data[8:12]) == (masked_crc32c(data[:8]),)
        record, rest = data[12 : 12 + length], data[12 + length :]
        assert struct.unpack("<I", rest[:4]) == (masked_crc32c(record),)
        events.append(event_pb2.Event.FromString(record))
        data = rest[4:]
    assert events[0].file_version == "brain.Event:2"
    return [(each.step, {value.tag: value.simple_value for value in each.summary.value}) for each in events[1:]]


def lines_of(run: Path) -> list[tuple[int, dict[str, float]]]:
    """Returns what the events should be: the lines of the metrics, in float32 as events have them."""
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    to_float32 = lambda number: struct.unpack("<f", struct.pack("<f", number))[0]  # noqa: E731
    return [(each["step"], {tag: to_float32(number) for tag, number in scalars_of(each).items()}) for each in lines]


def test_the_numbers_of_a_line_are_scalars_and_of_scores_the_means():
    score = {"perplexity": 7.5, "bits_per_character": 2.9, "symbols": 20, "bits_per_byte": None}
    line = {"step": 4, "learning_rate": 0.1, "clipped_steps": 2, "gradient_norm": None, "validation": score}
    means = {"validation/perplexity": 7.5, "validation/bits_per_character": 2.9}
    assert scalars_of(line) == {"learning_rate": 0.1, "clipped_steps": 2, **means}


def test_a_run_has_its_metrics_as_events_and_commands_see_no_more_of_them(small_request, workspace):
    reporter = TensorBoardReporter(SilentReporter(), is_new=True)
    run = start(small_request(name="one", mix="ngram:3"), workspace, reporter, StopRequest()).run
    assert events_of(run) == lines_of(run)
    assert any("validation_network/perplexity" in scalars for _, scalars in events_of(run))
    assert verify_run("one", workspace).is_whole
    assert "tensorboard" not in "".join(each.file for each in verify_run("one", workspace).files)
    size = sum(path.stat().st_size for path in run.iterdir() if path.is_file())
    assert describe("one", workspace).facts["size_bytes"] == size


@pytest.mark.parametrize("is_asked_again", [True, False])
def test_a_resumed_run_goes_on_in_them_without_doubled_steps(is_asked_again, small_request, workspace):
    stop = StopRequest()
    start(small_request(name="one"), workspace, TensorBoardReporter(StopAfter(stop, 7), is_new=True), stop)
    resume("one", workspace, TensorBoardReporter(SilentReporter(), is_new=is_asked_again), StopRequest())
    run = workspace.checkpoints / "one"
    assert [step for step, _ in events_of(run)] == list(range(1, 13))
    assert events_of(run) == lines_of(run)


def test_a_killed_run_that_resumes_from_an_earlier_state_has_each_step_once(small_request, workspace):
    with pytest.raises(KilledError):
        start(small_request(name="one"), workspace, TensorBoardReporter(CrashAfter(11), is_new=True), StopRequest())
    run = workspace.checkpoints / "one"
    state = next(iter(RunFolder(run).states().values()))
    resume(str(state), workspace, TensorBoardReporter(SilentReporter(), is_new=False), StopRequest())
    assert events_of(run) == lines_of(run)


def test_a_run_without_events_gets_none_on_resuming_unless_asked(small_request, workspace):
    stop = StopRequest()
    run = start(small_request(name="one"), workspace, StopAfter(stop, 7), stop).run
    stop = StopRequest()
    resume("one", workspace, TensorBoardReporter(StopAfter(stop, 9), is_new=False), stop)
    assert not (run / "tensorboard").exists()
    resume("one", workspace, TensorBoardReporter(SilentReporter(), is_new=True), StopRequest())
    assert events_of(run) == lines_of(run)


def test_after_a_rollback_the_steps_that_were_undone_are_gone(tmp_path):
    folder = RunFolder(tmp_path)
    reporter = TensorBoardReporter(SilentReporter(), is_new=True)

    def take(step: int, loss: float) -> None:
        reporter.step(StepReport(step, loss, 0.1, 1.0, 0.0, 0, 1.0, 10, step / 10))
        append_metrics(folder.metrics, {"step": step, "training_nats_per_symbol": loss, "seconds": 1.0})
        reporter.losses(LossPoint(step, step / 10))

    with reporter.training(TrainingSummary(tmp_path, (), total_steps=10)):
        for step in (1, 2, 3):
            take(step, 1.0 / step)
        trim_metrics(folder.metrics, 2)
        take(3, 0.25)
        take(4, 0.125)
    assert [(step, each["training_nats_per_symbol"]) for step, each in events_of(tmp_path)] == [
        (1, 1.0), (2, 0.5), (3, 0.25), (4, 0.125),
    ]  # fmt: skip


def test_counted_runs_have_events_too(text, workspace):
    request = make_request(by_section({"corpus": (str(text),), "name": "one", "model": "ngram", "order": 3}))
    run = start(request, workspace, TensorBoardReporter(SilentReporter(), is_new=True), StopRequest()).run
    assert events_of(run) == lines_of(run)


def test_events_that_cannot_be_written_end_no_training(small_request, workspace, monkeypatch):
    monkeypatch.setattr(RunFolder, "events", property(lambda folder: folder.metrics / "tensorboard"))
    shown = RecordingReporter()
    result = start(small_request(name="one"), workspace, TensorBoardReporter(shown, is_new=True), StopRequest())
    assert result.steps == 12
    assert [each for each in shown.warnings if "No more events" in each] == [shown.warnings[-1]]


def test_a_missing_package_is_asked_for(monkeypatch):
    monkeypatch.setattr(tensorboard.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'charlm\[tensorboard\]'"):
        tensorboard.require_tensorboard()
