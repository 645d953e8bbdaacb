"""The event files that TensorBoard reads: the lines of metrics.jsonl once more, as long as a run is trained."""

import importlib.util
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import TYPE_CHECKING, Any, final

from charlm.checkpointing.metrics import finite_number, read_last_metrics, read_metrics
from charlm.checkpointing.run_folder import RunFolder
from charlm.errors import CheckpointError, ConfigError
from charlm.runs.reporting import EvaluationReport, LossPoint, Reporter, StepReport, TrainingSummary

if TYPE_CHECKING:
    from tensorboardX.event_file_writer import EventsWriter

_REMEDY = "install it with: pip install 'charlm[tensorboard]'"


def require_tensorboard() -> None:
    """Raises a ConfigError where the package that writes event files is not installed."""
    if importlib.util.find_spec("tensorboardX") is None:
        raise ConfigError(f"--tensorboard needs tensorboardX; {_REMEDY}")


@final
class TensorBoardReporter(Reporter):
    """Passes all reports on, and writes each line of metrics into an event file of the run, too.

    The file is made anew of all lines when a training begins and after a rollback, so that no step is in it twice. That
    it cannot be written is a warning, and no end of the training.

    Args:
        shown: where reports go.
        is_new: whether event files are begun; otherwise those of a run that has some are gone on with.
    """

    def __init__(self, shown: Reporter, *, is_new: bool) -> None:
        self._shown = shown
        self._is_new = is_new
        self._events: _EventFile | None = None
        self._last_step = 0
        self._is_rolled_back = False

    def note(self, message: str) -> None:
        """Passes the message on."""
        self._shown.note(message)

    def warn(self, message: str) -> None:
        """Passes the message on."""
        self._shown.warn(message)

    def progress(self, label: str, total: int | None) -> AbstractContextManager[Callable[[int], None]]:
        """Opens the display of progress."""
        return self._shown.progress(label, total)

    def status(self, message: str) -> AbstractContextManager[None]:
        """Passes the message on."""
        return self._shown.status(message)

    @contextmanager
    def training(self, summary: TrainingSummary) -> Iterator[None]:
        """Opens the live display, and the event file of the run."""
        with self._shown.training(summary):
            folder = RunFolder(summary.run)
            if self._is_new or folder.events.is_dir():
                self._events = _EventFile(folder)
                self._last_step = summary.first_step
                self._write(is_whole=True)
            try:
                yield
            finally:
                if self._events is not None:
                    self._events.close()

    def step(self, report: StepReport) -> None:
        """Passes the step on; one that was done before tells of a rollback."""
        self._shown.step(report)
        self._is_rolled_back |= report.step <= self._last_step
        self._last_step = report.step

    def evaluation(self, report: EvaluationReport) -> None:
        """Passes the evaluation on."""
        self._shown.evaluation(report)

    def losses(self, point: LossPoint) -> None:
        """Passes the point on, and writes the line of metrics that it is from."""
        self._shown.losses(point)
        self._write(is_whole=self._is_rolled_back)
        self._is_rolled_back = False

    def _write(self, *, is_whole: bool) -> None:
        """Writes the last line of metrics; or all of them into a file that begins anew."""
        if self._events is None:
            return
        try:
            require_tensorboard()
            self._events.begin() if is_whole else self._events.add_last()
        except (OSError, CheckpointError, ConfigError) as error:
            reason = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
            self._shown.warn(f"No more events for TensorBoard are written in this session: {reason}")
            self._events.close()
            self._events = None


class _EventFile:
    """The event file of a run, which has the lines of its metrics."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._writer: EventsWriter | None = None
        self._started = 0.0

    def begin(self) -> None:
        """Writes all lines into a new file, which takes the place of those before."""
        from tensorboardX.event_file_writer import EventsWriter

        self.close()
        folder = self._folder.events
        folder.mkdir(exist_ok=True)
        # Removed first: a process that is killed here leaves too few events, which the next one makes anew.
        for older in folder.glob("events.out.tfevents.*"):
            older.unlink()
        lines = list(read_metrics(self._folder.metrics))
        self._started = time.time() - (_seconds_of(lines[-1]) if lines else 0.0)
        self._writer = EventsWriter(str(folder.resolve() / "events"))
        self._add(lines)

    def add_last(self) -> None:
        """Writes the line that was appended last."""
        line = read_last_metrics(self._folder.metrics)
        self._add([] if line is None else [line])

    def close(self) -> None:
        """Closes the file; what cannot be written any more is lost."""
        if self._writer is not None:
            with suppress(OSError):
                self._writer.close()
        self._writer = None

    def _add(self, lines: list[dict[str, Any]]) -> None:
        assert self._writer is not None
        for line in lines:
            self._writer.write_event(_event(line, started=self._started))
        self._writer.flush()


def _event(line: Mapping[str, Any], *, started: float) -> Any:
    """Returns a line of metrics as an event, at the time when it was written if the training was never interrupted."""
    from tensorboardX.proto.event_pb2 import Event
    from tensorboardX.proto.summary_pb2 import Summary

    values = [Summary.Value(tag=tag, simple_value=number) for tag, number in scalars_of(line).items()]
    return Event(step=line["step"], wall_time=started + _seconds_of(line), summary=Summary(value=values))


def _seconds_of(line: Mapping[str, Any]) -> float:
    return finite_number(line.get("seconds")) or 0.0


def scalars_of(line: Mapping[str, Any]) -> dict[str, float]:
    """Returns the numbers of a line of metrics by their keys; of scores, such as `validation/perplexity`, the means."""
    scalars: dict[str, float] = {}
    for key, value in line.items():
        scores = value.items() if isinstance(value, dict) else ()
        means = {f"{key}/{name}": number for name, number in scores if isinstance(number, float)}
        numbers = means or ({key: value} if key != "step" else {})
        scalars |= {name: number for name, each in numbers.items() if (number := finite_number(each)) is not None}
    return scalars
