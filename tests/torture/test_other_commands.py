"""Fetching and comparing, killed at every point: nothing half done is taken for done."""

import csv
import shutil

import pytest

from tests.support.serving import serving

TEXT = b"To be, or not to be.\n" * 9000
COMPARE = (
    *("compare", "tale.txt", "--models", "ngram:3,rnn,lstm", "--layers", "1", "--match", "parameters", "--steps", "8"),
    *("--evaluations", "2", "--hidden-size", "6", "--batch-size", "4", "--sequence-length", "16", "--device", "cpu"),
    *("--precision", "fp32", "--threads", "1", "--name", "all", "--quiet"),
)


@pytest.fixture(scope="module")
def remote():
    with serving() as server:
        yield server.offer("play.txt", TEXT, TEXT)


def test_fetching_killed_at_every_point(runs, remote):
    folder = runs.folder()
    events = runs.runner.run(folder, fetch=remote).events
    assert len(events) > 8
    for number in range(len(events)):
        folder = runs.folder()
        assert runs.runner.run(folder, fetch=remote, faults={number: "SIGKILL"}).code == -9
        text = folder / "corpora" / "play.txt"
        assert not text.exists() or text.read_bytes() == TEXT
        assert runs.runner.run(folder, fetch=remote).code == 0
        # What was left when the text itself was there already goes with the next fetch into the folder.
        left = [path.name for path in text.parent.iterdir() if not path.name.startswith(".tmp-")]
        assert (text.read_bytes(), left) == (TEXT, ["play.txt"])
        shutil.rmtree(folder)


def compared(runs, folder):
    ended = runs.runner.run(folder, *COMPARE)
    assert ended.code == 0, ended.output
    with (folder / "checkpoints" / "all" / "results.csv").open() as file:
        return [{name: value for name, value in row.items() if name != "seconds"} for row in csv.DictReader(file)]


def kill_compare(workers, *, every, first):
    runs = workers.first
    folder = runs.folder()
    events = runs.runner.run(folder, *COMPARE).events
    wanted = compared(runs, folder)
    assert [row["run"] for row in wanted] == ["ngram-3", "rnn-1", "lstm-1"]
    assert all(row["error"] == "" for row in wanted)

    def once(runs, number):
        folder = runs.folder()
        assert runs.runner.run(folder, *COMPARE, faults={number: "SIGKILL"}).code == -9
        assert compared(runs, folder) == wanted, f"killed at {number}: {events[number]}"
        shutil.rmtree(folder)

    workers.each(once, range(first, len(events), every), kind="comparisons killed at an event, and gone on with")


def test_comparing_killed_at_some_points(workers):
    kill_compare(workers, every=71, first=40)


@pytest.mark.torture
def test_comparing_killed_at_every_point(workers):
    kill_compare(workers, every=2, first=0)
