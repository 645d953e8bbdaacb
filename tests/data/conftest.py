from collections.abc import Callable, Iterator

import pytest

from charlm.data.downloading import RemoteText
from tests.support.serving import Server, serving


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving() as server:
        yield server


@pytest.fixture
def remote(server: Server) -> Callable[..., RemoteText]:
    """Offers a download on the server and returns the text that is made of it."""

    def offer(name: str, download: bytes, text: bytes, *, file: str = "data.bin", **options: object) -> RemoteText:
        return RemoteText(**server.offer(name, download, text, file=file), **options)

    return offer
