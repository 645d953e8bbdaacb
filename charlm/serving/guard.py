"""What every request must pass: the right host, no foreign web page, and the key."""

import hmac
import ipaddress
from typing import final

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from charlm.serving.errors import ApiError

_OPEN_PATHS = frozenset({"/health"})


@final
class Guard:
    """Refuses requests before anything of them is read.

    A page of another site can make a browser send requests to this machine. It cannot read the answers, as no other
    origin is allowed to, unless its name is made to point here (DNS rebinding); so on loopback the host that a request
    names must be loopback.

    Args:
        host: the address that is listened at.
        api_key: the key that requests must carry; None for none.
    """

    def __init__(self, app: ASGIApp, *, host: str, api_key: str | None) -> None:
        self._app = app
        self._host = host
        self._api_key = api_key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers with an error, or passes the request on."""
        if scope["type"] == "http":
            try:
                self._require_allowed(Headers(scope=scope), scope["path"])
            except ApiError as error:
                answer = JSONResponse(error.to_json(), error.status, headers=error.headers)
                await answer(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _require_allowed(self, headers: Headers, path: str) -> None:
        named = headers.get("host", "")
        if is_loopback(self._host) and not is_loopback(host_of(named)):
            raise ApiError(403, "The Host header must name this machine, such as localhost.", code="wrong_host")
        origin = headers.get("origin")
        if origin is not None and origin.partition("://")[2] != named:
            raise ApiError(403, "Pages of other sites may not use this server.", code="wrong_origin")
        if self._api_key is not None and path not in _OPEN_PATHS:
            scheme, _, key = headers.get("authorization", "").partition(" ")
            # Headers are decoded as Latin-1; clients send UTF-8, whose bytes are not to be taken for blanks.
            sent = key.strip(" \t").encode("latin-1")
            if scheme.lower() != "bearer" or not hmac.compare_digest(sent, self._api_key.encode()):
                raise ApiError(
                    401,
                    "The key is missing or wrong; send it as Authorization: Bearer KEY.",
                    code="invalid_api_key",
                    headers={"www-authenticate": "Bearer"},
                )


def host_of(named: str) -> str:
    """Returns the host of a Host header, without its port."""
    return named[1:].partition("]")[0] if named.startswith("[") else named.rpartition(":")[0] or named


def is_loopback(host: str) -> bool:
    """Returns whether a host, by name or address, is this machine's loopback."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.rstrip(".").lower() == "localhost"
