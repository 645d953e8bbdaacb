"""Streams whose readers are slow or gone."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

pytest.importorskip("starlette", reason="needs the extra `serve`")

from charlm.serving import responses
from charlm.serving.errors import ApiError
from charlm.serving.responses import EventStream


def run(send, *, receive=None, error: Exception | None = None) -> list[str]:
    """Sends three chunks as `send` takes them, and returns what became of their source."""
    fate: list[str] = []

    async def chunks() -> AsyncGenerator[dict[str, Any]]:
        try:
            for number in range(3):
                yield {"number": number}
            if error is not None:
                raise error
            fate.append("all")
        finally:
            fate.append("closed")

    async def forever() -> dict[str, Any]:
        await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    async def answer() -> None:
        rest = chunks()
        await EventStream(await anext(rest), rest)({}, receive or forever, send)

    asyncio.run(answer())
    return fate


def test_all_is_sent_and_then_that_it_is_done():
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    assert run(send) == ["all", "closed"]
    body = b"".join(message["body"] for message in sent[1:])
    assert body.split(b"\n\n") == [*(b'data: {"number": %d}' % number for number in range(3)), b"data: [DONE]", b""]


def test_an_error_is_the_last_event():
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    assert run(send, error=ApiError(503, "The end.")) == ["closed"]
    assert b"The end." in sent[-2]["body"] and b"DONE" not in b"".join(each.get("body", b"") for each in sent)


def test_a_reader_that_takes_nothing_is_given_up(monkeypatch):
    monkeypatch.setattr(responses, "SECONDS_TO_READ", 0.01)
    taken: list[Any] = []

    async def send(message: Any) -> None:
        taken.append(message)
        if len(taken) == 3:
            await asyncio.Event().wait()

    assert run(send) == ["closed"]
    assert len(taken) == 3


def test_a_reader_that_is_gone_ends_the_stream():
    async def send(message: Any) -> None:
        if message["type"] != "http.response.start":
            await asyncio.Event().wait()

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    assert run(send, receive=receive) == ["closed"]
