"""Served runs, and a client of the plainest kind."""

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from charlm.config import ServingConfig, by_section, make_request
from charlm.runs.stored.workspace import Workspace
from tests.support.processes import MOST_SECONDS
from tests.support.training_runs import SMALL, train_whole

SERVED = SMALL | {"hidden_size": 24, "embedding_size": 8, "steps": 30, "evaluations": 1}


class Answer(NamedTuple):
    """What a server said."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def events(self) -> list[Any]:
        """The server-sent events, without the last one, which must say that it is the last."""
        *lines, done, end = self.body.decode().split("\n\n")
        assert (done, end) == ("data: [DONE]", "")
        return [json.loads(line.removeprefix("data: ")) for line in lines]


class Served:
    """A server that is running, at `url`."""

    def __init__(self, server: Any) -> None:
        self.server = server
        self.url = server.url

    def connect(self) -> HTTPConnection:
        place = urlsplit(self.url)
        return HTTPConnection(place.hostname or "", place.port, timeout=MOST_SECONDS)

    def ask(self, path: str, body: object = None, *, method: str | None = None, **headers: str) -> Answer:
        connection = self.connect()
        try:
            content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method or ("GET" if body is None else "POST"), path, content, named)
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def complete(self, prompt: object = "the ", **fields: object) -> Any:
        answer = self.ask("/v1/completions", {"prompt": prompt, **fields})
        assert answer.status == 200, answer
        return answer.json

    def text(self, prompt: object = "the ", **fields: object) -> str:
        (choice,) = self.complete(prompt, **fields)["choices"]
        return choice["text"]


@contextmanager
def serve(runs: Sequence[str], workspace: Workspace, **settings: Any) -> Iterator[Served]:
    """Gives a server of some runs that runs until the block ends; what it logs is in `log`."""
    from charlm.serving.server import open_server

    log: list[str] = []
    with open_server(runs, ServingConfig(port=0, **settings), workspace, log=log.append) as server:
        thread = threading.Thread(target=server.run)
        thread.start()
        served = Served(server)
        served.log = log
        try:
            yield served
        finally:
            server.stop()
            thread.join()


def train(workspace: Workspace, corpus: object, **settings: object) -> None:
    """Trains a small run."""
    ngram = settings.get("model") == "ngram"
    train_whole(make_request(by_section({"corpus": (str(corpus),)} | ({} if ngram else SERVED) | settings)), workspace)
