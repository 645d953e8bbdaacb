"""`charlm serve`: runs behind an API that OpenAI's clients understand."""

import importlib.util
import os
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Annotated, Any

import typer

from charlm.cli.completion import run_names
from charlm.cli.display.text import print_line
from charlm.cli.interrupts import interruptible
from charlm.cli.options import settings_options
from charlm.cli.settings import section_config
from charlm.cli.startup import fast_imports
from charlm.config import ServingConfig
from charlm.errors import ConfigError
from charlm.runs.reporting import StopRequest
from charlm.runs.stored.workspace import Workspace


@settings_options(ServingConfig)
def serve(
    *,
    flags: Mapping[str, Any],
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN…", help="Names of runs under checkpoints/, or their paths.", autocompletion=run_names
        ),
    ],
) -> None:
    """Serves the models of RUN… on this machine, at /v1/completions, to the clients of OpenAI's API.

    Ctrl-C or SIGTERM stops it, with exit code 0.
    """
    key = os.environ.get("CHARLM_API_KEY")
    settings = section_config(ServingConfig, ({"api_key": key} if key else {}) | dict(flags))
    for package in ("starlette", "uvicorn"):
        if importlib.util.find_spec(package) is None:
            raise ConfigError(f"charlm serve needs {package}; install it with: pip install 'charlm[serve]'")

    def log(line: str) -> None:
        print_line(line, sys.stderr)

    with ExitStack() as stack:
        with fast_imports():
            from charlm.serving.server import open_server

            # Opening loads torch.
            server = stack.enter_context(open_server(runs, settings, Workspace(), log=log))
        names = ", ".join(model.name for model in server.models)
        log(f"Serving {names} at {server.url} (Ctrl-C stops).")
        stop = StopRequest(graceful=True)

        def announce() -> None:
            # Again and again: raised within the server's loop, a second signal would leave it in disorder.
            stop.requested = False
            server.stop()

        with interruptible(stop, announce):
            server.run()
    log("Stopped.")
