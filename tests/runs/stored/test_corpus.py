"""The text that a run names, which may be somebody else's run."""

import os
import shutil

import pytest

from charlm.config import DataConfig
from charlm.errors import DataError
from charlm.runs.reporting import SilentReporter
from charlm.runs.stored.corpus import reopen_corpus
from charlm.runs.stored.state import open_state
from tests.support.training_runs import train_whole


@pytest.fixture
def record(small_request, workspace):
    run = train_whole(small_request(name="mine"), workspace).run
    return open_state(run / "last.safetensors").record


def naming(record, **data):
    return record.model_copy(
        update={"config": record.config.model_copy(update={"data": record.config.data.model_copy(update=data)})}
    )


def test_a_pipe_that_a_run_names_is_not_waited_for(record, workspace, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    forged = naming(record, corpus=(str(tmp_path / "pipe"),))
    assert reopen_corpus(forged, workspace, SilentReporter()).reused
    shutil.rmtree(workspace.data)
    with pytest.raises(DataError, match="is no file or folder"):
        reopen_corpus(forged, workspace, SilentReporter())


def test_the_limit_of_an_archive_is_not_the_runs_own(record, workspace, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "charlm.runs.stored.corpus.open_corpus", lambda data, **_: asked.append(data) or pytest.fail("not reached")
    )
    with pytest.raises(pytest.fail.Exception):
        reopen_corpus(naming(record, max_bytes="9000TB"), workspace, SilentReporter())
    assert asked[0].max_bytes == DataConfig(corpus=("a",)).max_bytes
