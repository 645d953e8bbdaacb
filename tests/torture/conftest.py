from collections.abc import Iterator

import pytest

from tests.support.cases import Cases
from tests.support.faulty_runs import TRAIN, FaultyRuns, Whole
from tests.support.workers import Workers

CASES = pytest.StashKey[Cases]()


@pytest.fixture(scope="session")
def cases(request: pytest.FixtureRequest) -> Cases:
    """What has been tried, printed at the end."""
    return request.config.stash.setdefault(CASES, Cases.from_environment())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    tried = config.stash.get(CASES, None)
    if tried is not None and "torture" in config.option.markexpr.replace("not torture", ""):
        terminalreporter.section("torture")
        for line in tried.summary():
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def workers(tmp_path_factory: pytest.TempPathFactory, cases: Cases) -> Iterator[Workers]:
    workers = Workers(tmp_path_factory.mktemp("workers"), cases)
    yield workers
    workers.close()


@pytest.fixture(scope="session")
def runs(workers: Workers) -> FaultyRuns:
    """The first worker, for what is done one after the other."""
    return workers.first


@pytest.fixture(scope="session")
def whole(runs: FaultyRuns) -> Whole:
    folder = runs.folder()
    ended = runs.runner.run(folder, *TRAIN)
    assert ended.code == 0, ended.output
    return Whole(runs.state(folder), ended.events)
