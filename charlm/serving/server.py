"""`charlm serve`: models behind a port, until somebody stops it."""

import asyncio
import errno
import os
import socket
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import final

import uvicorn

from charlm.config import ServingConfig
from charlm.errors import CharlmError, ConfigError
from charlm.runs.stored.workspace import Workspace
from charlm.serving.app import build_app
from charlm.serving.connections import Connections
from charlm.serving.guard import is_loopback
from charlm.serving.models import ServedModel, open_model

_SECONDS_TO_STOP = 5


@final
class Server:
    """A server that listens already, and answers while `run` lasts.

    Attributes:
        url: where.
        models: what it serves.
    """

    def __init__(
        self,
        models: Sequence[ServedModel],
        listening: socket.socket,
        settings: ServingConfig,
        workspace: Workspace,
        *,
        log: Callable[[str], None],
    ) -> None:
        host, port, *_ = listening.getsockname()
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        self.models = tuple(models)
        self._socket = listening
        self._config = uvicorn.Config(
            build_app(models, settings, workspace, log=log),
            lifespan="off",
            ws="none",
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            date_header=False,
            timeout_graceful_shutdown=_SECONDS_TO_STOP,
        )
        self._most_connections = settings.connections
        self._stop: Callable[[], None] | None = None
        self._is_stopped = False

    def run(self) -> None:
        """Answers requests until `stop` is called."""
        asyncio.run(self._serve())

    def stop(self) -> None:
        """Lets `run` end, from any thread or a signal's handler; texts that are being drawn end with an error."""
        self._is_stopped = True
        if self._stop is not None:
            self._stop()

    async def _serve(self) -> None:
        stopped, loop = asyncio.Event(), asyncio.get_running_loop()

        def stop() -> None:
            loop.call_soon_threadsafe(stopped.set)

        self._stop = stop
        if self._is_stopped:
            return
        # The steps of uvicorn's own `serve`, without its handlers of signals, and without its loop that wakes ten times
        # a second.
        server = uvicorn.Server(self._config)
        self._config.load()
        connections = Connections(self._config.http_protocol_class, most=self._most_connections)
        self._config.http_protocol_class = connections  # type: ignore[assignment]
        server.lifespan = self._config.lifespan_class(self._config)
        for model in self.models:
            model.scheduler.start()
        await server.startup(sockets=[self._socket])
        try:
            await stopped.wait()
        finally:
            self._stop = None
            await asyncio.gather(*(asyncio.to_thread(model.close) for model in self.models))
            await server.shutdown(sockets=[self._socket])


@contextmanager
def open_server(
    runs: Sequence[str], settings: ServingConfig, workspace: Workspace, *, log: Callable[[str], None]
) -> Iterator[Server]:
    """Gives a server of some runs, which listens already.

    Args:
        log: is given a line now and then.

    Raises:
        CharlmError: a run cannot be served, or the address cannot be listened at.
    """
    with ExitStack() as stack:
        listening = stack.enter_context(_listen(settings.host, settings.port))
        models = [open_model(run, settings, workspace, log=log) for run in runs]
        twice = [name for name, times in Counter(model.name for model in models).items() if times > 1]
        if twice:
            raise ConfigError(f"Two runs are called '{twice[0]}', and requests choose by name; serve one of them.")
        if settings.api_key is None and not is_loopback(settings.host):
            log("Whoever reaches this machine can use the server; --api-key refuses those without a key.")
        yield Server(models, listening, settings, workspace, log=log)


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        # Names that are not found have numbers of their own, below 0.
        number = error.errno or 0
        reason = os.strerror(number) if number > 0 else error.strerror or str(error)
        other = " Choose another with --port." if number == errno.EADDRINUSE else ""
        raise CharlmError(f"Cannot listen at {host}, port {port}: {reason[0].lower()}{reason[1:]}.{other}") from None
