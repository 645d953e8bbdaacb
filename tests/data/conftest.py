import hashlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from charlm.data.downloading import RemoteText


class Server:
    """A web server on loopback: hands out `files` and remembers what it was asked for."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.files: dict[str, bytes] = {}
        self.lengths: dict[str, int] = {}
        self.asked: list[str] = []


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.removeprefix("/")
            told.asked.append(name)
            if name not in told.files:
                self.send_error(404)
                return
            content = told.files[name]
            self.send_response(200)
            self.send_header("Content-Length", str(told.lengths.get(name, len(content))))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        told = Server(f"http://127.0.0.1:{http.server_port}/")
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield told
        http.shutdown()
        thread.join()


MakeRemote = Callable[..., RemoteText]


@pytest.fixture
def remote(server: Server) -> MakeRemote:
    """Offers a download on the server and returns the text that is made of it."""

    def offer(name: str, download: bytes, text: bytes, *, file: str = "data.bin", **options: object) -> RemoteText:
        server.files[file] = download
        return RemoteText(
            name=name,
            size_bytes=len(text),
            sha256=hashlib.sha256(text).hexdigest(),
            url=server.url + file,
            download_bytes=len(download),
            download_sha256=hashlib.sha256(download).hexdigest(),
            **options,  # type: ignore[arg-type]
        )

    return offer
