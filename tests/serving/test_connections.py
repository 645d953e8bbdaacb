"""Connections beyond those that may be open, and silent ones."""

import json
import socket
from urllib.parse import urlsplit

import pytest

pytest.importorskip("starlette", reason="needs the extra `serve`")
pytest.importorskip("uvicorn", reason="needs the extra `serve`")

from charlm.serving import connections
from tests.support.processes import MOST_SECONDS
from tests.support.served import serve


def connected(served) -> socket.socket:
    place = urlsplit(served.url)
    return socket.create_connection((place.hostname, place.port), timeout=MOST_SECONDS)


def received(client: socket.socket) -> bytes:
    return b"".join(iter(lambda: client.recv(65536), b""))


def test_a_connection_too_many_is_told_so_and_there_is_room_again_afterwards(place):
    with serve(["net"], place, connections=2) as served:
        silent, first = connected(served), served.connect()
        first.request("GET", "/health")
        assert first.getresponse().read() == b'{"status":"ok"}'
        with connected(served) as refused:
            head, _, body = received(refused).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 429 ") and b"retry-after: 1" in head
        assert json.loads(body)["error"]["type"] == "rate_limit_error"
        silent.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert received(silent).endswith(b'{"status":"ok"}')
        assert served.ask("/health").status == 200
        silent.close()
        first.close()


def test_a_connection_that_asks_once_more_has_to_ask_in_time_too(place, monkeypatch):
    with serve(["net"], place) as served, connected(served) as client:
        client.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = b""
        while not answer.endswith(b'{"status":"ok"}'):
            answer += client.recv(65536)
        monkeypatch.setattr(connections, "SECONDS_TO_ASK", 0.01)
        client.sendall(b"GET /health HT")
        assert received(client) == b""


def test_a_request_may_be_answered_for_longer_than_it_may_be_asked(place, monkeypatch):
    with serve(["net"], place) as served:
        client = served.connect()
        client.request("GET", "/health")
        assert client.getresponse().read() == b'{"status":"ok"}'
        monkeypatch.setattr(connections, "SECONDS_TO_ASK", 0.01)
        client.request("POST", "/v1/completions", json.dumps({"prompt": "a", "max_tokens": 4000}))
        assert json.loads(client.getresponse().read())["usage"]["completion_tokens"] == 4000
        client.close()


@pytest.mark.parametrize("beginning", [b"", b"GET /health HT"])
def test_a_connection_that_does_not_ask_is_closed(place, monkeypatch, beginning):
    monkeypatch.setattr(connections, "SECONDS_TO_ASK", 0.01)
    with serve(["net"], place) as served, connected(served) as silent:
        silent.sendall(beginning)
        assert received(silent) == b""
