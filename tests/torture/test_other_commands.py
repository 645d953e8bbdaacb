"""Fetching and comparing, killed at every point: nothing half done is taken for done."""

import csv
import hashlib
import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

TEXT = b"To be, or not to be.\n" * 9000
COMPARE = (
    *("compare", "tale.txt", "--models", "ngram:3,rnn,lstm", "--layers", "1", "--match", "parameters", "--steps", "8"),
    *("--evaluations", "2", "--hidden-size", "6", "--batch-size", "4", "--sequence-length", "16", "--device", "cpu"),
    *("--precision", "fp32", "--threads", "1", "--name", "all", "--quiet"),
)


@pytest.fixture(scope="module")
def remote(tmp_path_factory):
    folder = tmp_path_factory.mktemp("server")
    (folder / "play.bin").write_bytes(TEXT)

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder))) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        digest = hashlib.sha256(TEXT).hexdigest()
        yield {
            "name": "play.txt",
            "size_bytes": len(TEXT),
            "sha256": digest,
            "url": f"http://127.0.0.1:{http.server_port}/play.bin",
            "download_bytes": len(TEXT),
            "download_sha256": digest,
        }
        http.shutdown()
        thread.join()


def test_fetching_killed_at_every_point(playground, remote):
    folder = playground.folder()
    events = playground.nursery.run(folder, fetch=remote).events
    assert len(events) > 8
    for number in range(len(events)):
        folder = playground.folder()
        assert playground.nursery.run(folder, fetch=remote, mishaps={number: "SIGKILL"}).code == -9
        text = folder / "corpora" / "play.txt"
        assert not text.exists() or text.read_bytes() == TEXT
        assert playground.nursery.run(folder, fetch=remote).code == 0
        # What was left when the text itself was there already goes with the next fetch into the folder.
        left = [path.name for path in text.parent.iterdir() if not path.name.startswith(".tmp-")]
        assert (text.read_bytes(), left) == (TEXT, ["play.txt"])
        shutil.rmtree(folder)


def compared(playground, folder):
    ended = playground.nursery.run(folder, *COMPARE)
    assert ended.code == 0, ended.output
    with (folder / "checkpoints" / "all" / "results.csv").open() as file:
        return [{name: value for name, value in row.items() if name != "seconds"} for row in csv.DictReader(file)]


def kill_compare(playground, *, every, first):
    folder = playground.folder()
    events = playground.nursery.run(folder, *COMPARE).events
    wanted = compared(playground, folder)
    assert [row["run"] for row in wanted] == ["ngram-3", "rnn-1", "lstm-1"]
    assert all(row["error"] == "" for row in wanted)
    for number in range(first, len(events), every):
        folder = playground.folder()
        assert playground.nursery.run(folder, *COMPARE, mishaps={number: "SIGKILL"}).code == -9
        assert compared(playground, folder) == wanted, f"killed at {number}: {events[number]}"
        shutil.rmtree(folder)


def test_comparing_killed_at_some_points(playground):
    kill_compare(playground, every=71, first=40)


@pytest.mark.torture
def test_comparing_killed_at_every_point(playground):
    kill_compare(playground, every=2, first=0)
