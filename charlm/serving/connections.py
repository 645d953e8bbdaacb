"""Connections: how many may be open, and how long one may take to make a request."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, final

from charlm.serving.errors import ApiError, too_busy

SECONDS_TO_ASK = 30.0
"""A connection on which the head of a request takes longer than this to arrive is closed."""

_SECONDS_TO_LEAVE = 1.0
"""How long a connection that was refused stays open, so that its client can read why."""


@final
class Connections:
    """Makes a server's protocols, and counts those that are connected.

    Args:
        make: makes the protocol of one connection.
        most: connections that may be open; further ones are answered with an error and closed.
    """

    def __init__(self, make: Callable[..., asyncio.Protocol], *, most: int) -> None:
        self.open: set[asyncio.Protocol] = set()
        self.most = most
        self._make = make

    def __call__(self, **known: Any) -> asyncio.Protocol:
        """Returns the protocol of a new connection, made with these arguments."""
        return _Connection(self._make(**known), self)


@final
class _Connection(asyncio.Protocol):
    """A connection, whose events reach its protocol if it is one of those that may be open."""

    def __init__(self, inner: asyncio.Protocol, connections: Connections) -> None:
        self._inner = inner
        self._connections = connections
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        is_refused = len(self._connections.open) >= self._connections.most
        self._start_timer(_SECONDS_TO_LEAVE if is_refused else SECONDS_TO_ASK)
        if is_refused:
            transport.write(_raw_answer(too_busy()))
            transport.write_eof()
        else:
            self._connections.open.add(self)
            self._inner.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if self in self._connections.open:
            self._inner.data_received(data)
            # Uvicorn's own timer ends with the first byte of a further request.
            cycle = self._inner.cycle  # type: ignore[attr-defined]
            if cycle is not None and not cycle.response_complete:
                self._stop_timer()
            elif self._timer is None:
                self._start_timer(SECONDS_TO_ASK)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received() if self in self._connections.open else None

    def pause_writing(self) -> None:
        if self in self._connections.open:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        if self in self._connections.open:
            self._inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        if self in self._connections.open:
            self._connections.open.remove(self)
            self._inner.connection_lost(exc)

    def _start_timer(self, seconds: float) -> None:
        assert self._transport is not None
        self._timer = asyncio.get_running_loop().call_later(seconds, self._transport.close)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _raw_answer(error: ApiError) -> bytes:
    body = json.dumps(error.to_json()).encode()
    headers = {"content-type": "application/json", "content-length": len(body), "connection": "close"} | error.headers
    lines = [f"HTTP/1.1 {error.status} Too Many Requests", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body
