from collections.abc import Iterator

import pytest

from tests.support.faulty_runs import TRAIN, FaultyRuns, Whole
from tests.support.processes import ProcessRunner


@pytest.fixture(scope="session")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProcessRunner]:
    runner = ProcessRunner(tmp_path_factory.mktemp("runner"))
    yield runner
    runner.close()


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory, runner: ProcessRunner) -> FaultyRuns:
    return FaultyRuns(tmp_path_factory.mktemp("runs"), runner)


@pytest.fixture(scope="session")
def whole(runs: FaultyRuns) -> Whole:
    folder = runs.folder()
    ended = runs.runner.run(folder, *TRAIN)
    assert ended.code == 0, ended.output
    return Whole(runs.state(folder), ended.events)
