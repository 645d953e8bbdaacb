"""Answers over HTTP: server-sent events, and waiting for work until its client is gone."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable
from contextlib import suppress
from typing import Any, final

from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive, Scope, Send

from charlm.serving.errors import ApiError

CLIENT_GONE = 499
"""The status of an answer that nobody gets."""

SECONDS_TO_READ = 30.0
"""A client that takes nothing for so long, or sends nothing of its request, is given up."""


_HEADERS = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-store")]


@final
class EventStream:
    """Chunks as server-sent events, as OpenAI's clients read them; `[DONE]` at the end, or an error.

    The first chunk is computed before anything is sent, so that an error until then has its own status.
    """

    def __init__(self, first: dict[str, Any] | None, rest: AsyncGenerator[dict[str, Any]]) -> None:
        self._first = first
        self._rest = rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the events until the client is gone, or takes none for too long."""
        sending = asyncio.ensure_future(self._send_all(send))
        try:
            await until_gone(receive, sending)
        finally:
            sending.cancel()
            with suppress(asyncio.CancelledError, TimeoutError, OSError):
                await sending
            await self._rest.aclose()

    async def _send_all(self, send: Send) -> None:
        await _send_in_time(send, {"type": "http.response.start", "status": 200, "headers": _HEADERS})
        if self._first is not None:
            await self._send_event(send, json.dumps(self._first))
        try:
            async for chunk in self._rest:
                await self._send_event(send, json.dumps(chunk))
            await self._send_event(send, "[DONE]")
        except ApiError as error:
            await self._send_event(send, json.dumps(error.to_json()))
        await _send_in_time(send, {"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_event(self, send: Send, data: str) -> None:
        body = f"data: {data}\n\n".encode()
        await _send_in_time(send, {"type": "http.response.body", "body": body, "more_body": True})


async def _send_in_time(send: Send, message: Message) -> None:
    async with asyncio.timeout(SECONDS_TO_READ):
        await send(message)


async def until_gone(receive: Receive, work: "asyncio.Future[Any]") -> bool:
    """Waits for work to be done; returns False where the client is gone before that."""
    gone = asyncio.ensure_future(_wait_until_gone(receive))
    try:
        await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
        return work.done()
    finally:
        gone.cancel()


async def _wait_until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def result_unless_gone(request: Request, work: Awaitable[dict[str, Any]]) -> dict[str, Any] | None:
    """Returns the result of work; None where the client is gone before, and the work is cancelled."""
    task = asyncio.ensure_future(work)
    try:
        return await task if await until_gone(request.receive, task) else None
    finally:
        task.cancel()


async def read_body(request: Request, *, most_bytes: int) -> Any:
    """Returns the JSON of a request's body.

    Raises:
        ApiError: it is too long, arrives too slowly, or is no JSON.
    """
    too_long = ApiError(413, f"The request has more than {most_bytes:,} bytes.", code="too_long")
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > most_bytes:
        raise too_long
    body = bytearray()
    try:
        async with asyncio.timeout(SECONDS_TO_READ):
            async for part in request.stream():
                body += part
                if len(body) > most_bytes:
                    raise too_long
    except ClientDisconnect:
        raise ApiError(CLIENT_GONE, "The client is gone.") from None
    except TimeoutError:
        raise ApiError(408, "The request did not arrive in time.", code="timeout") from None
    try:
        return json.loads(body.decode())
    except (ValueError, RecursionError):
        raise ApiError(400, "The body is no JSON in UTF-8.", code="invalid_json") from None
