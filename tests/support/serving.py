"""A web server on loopback, for downloads without a network."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Server:
    """Hands out `files`, says `lengths` instead of theirs, and remembers what it was asked for."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.files: dict[str, bytes] = {}
        self.lengths: dict[str, int] = {}
        self.asked: list[str] = []

    def offer(self, name: str, download: bytes, text: bytes, *, file: str = "data.bin") -> dict[str, Any]:
        """Offers a download, and returns the settings of the remote text that is made of it."""
        self.files[file] = download
        return {
            "name": name,
            "size_bytes": len(text),
            "sha256": hashlib.sha256(text).hexdigest(),
            "url": self.url + file,
            "download_bytes": len(download),
            "download_sha256": hashlib.sha256(download).hexdigest(),
        }


@contextmanager
def serving() -> Iterator[Server]:
    """Gives a server that runs until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.removeprefix("/")
            server.asked.append(name)
            if name not in server.files:
                self.send_error(404)
                return
            content = server.files[name]
            self.send_response(200)
            self.send_header("Content-Length", str(server.lengths.get(name, len(content))))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        server = Server(f"http://127.0.0.1:{http.server_port}/")
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()
