"""Several processes at once, one for each core."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar

from tests.support.cases import Cases
from tests.support.faulty_runs import FaultyRuns
from tests.support.processes import ProcessRunner

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
_MOST_WORKERS = 8
_MOST_SHOWN = 5


class Workers:
    """Runs cases side by side; each worker has a process of its own, and folders of its own.

    Args:
        cases: counts them.
    """

    def __init__(self, root: Path, cases: Cases) -> None:
        self.cases = cases
        self.all: list[FaultyRuns] = []
        for number in range(min(os.cpu_count() or 1, _MOST_WORKERS)):
            place = root / str(number)
            (place / "runner").mkdir(parents=True)
            self.all.append(FaultyRuns(place, ProcessRunner(place / "runner", cases)))

    @property
    def first(self) -> FaultyRuns:
        """The worker for what is done once."""
        return self.all[0]

    def each(
        self, function: Callable[[FaultyRuns, _Item], _Result], items: Iterable[_Item], *, kind: str | None
    ) -> list[_Result]:
        """Calls a function with a worker and each of the items, and returns what it returns.

        Args:
            kind: of which kind of case each call is; None where the caller counts them.

        Raises:
            AssertionError: some calls raised one; the first few are shown.
        """
        idle: SimpleQueue[FaultyRuns] = SimpleQueue()
        for worker in self.all:
            idle.put(worker)

        def once(item: _Item) -> _Result | AssertionError:
            worker = idle.get()
            try:
                return function(worker, item)
            except AssertionError as error:
                return error
            finally:
                idle.put(worker)

        with ThreadPoolExecutor(len(self.all)) as threads:
            results = list(threads.map(once, items))
        if kind is not None:
            self.cases.add(kind, len(results))
        failures = [str(result) for result in results if isinstance(result, AssertionError)]
        assert not failures, "\n\n".join((f"{len(failures)} of {len(results)} failed:", *failures[:_MOST_SHOWN]))
        return [result for result in results if not isinstance(result, AssertionError)]

    def close(self) -> None:
        """Ends all processes."""
        for worker in self.all:
            worker.runner.close()
