"""The program behind `ProcessRunner`: runs charlm in one forked process after the other, and imports it once for all.

Reads a JSON object a line: `arguments`, the `folder` to run them in, the `output` file, the `events` file, and
maybe `faults`, `limits` (of the process, by name), `broken_clock`, an `action` at each event, a file to `record`
all operations on the disk in, a text to `fetch` instead, or a function to `call` instead, `given` its arguments,
whose `result` goes to a file. Answers with the process and, when it has ended, its status and the most memory that it
took, in KiB.
"""

import functools
import importlib
import json
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import charlm.cli.app
import charlm.cli.display.live
import charlm.files.writing
import charlm.runs.compare.comparing
import charlm.runs.evaluate.perplexity
import charlm.runs.export.arpa
import charlm.runs.inspect.gates
import charlm.runs.sample
import charlm.runs.train.resume
import charlm.runs.train.start
import charlm.runs.verify
from charlm.data.downloading import RemoteText, fetch_text
from tests.support.disk_events import Events, Recorder, arm


def _function(name: str) -> Callable[..., Any]:
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(module), function)


def _listen(order: dict[str, Any]) -> None:
    if "record" in order:
        arm(Recorder(Path(order["record"])))
        return
    action = functools.partial(_function(order["action"]), **order["given"]) if "action" in order else None
    faults = {int(number): what for number, what in order.get("faults", {}).items()}
    arm(Events(Path(order["events"]), faults, action))


def _do(order: dict[str, Any]) -> int:
    if "call" in order:
        result = _function(order["call"])(**order["given"])
        Path(order["result"]).write_text(json.dumps(result))
        return 0
    if "fetch" in order:
        fetch_text(RemoteText(**order["fetch"]), folder=Path("corpora"), progress=lambda _: None)
        return 0
    return charlm.cli.app.run(order["arguments"])


def run(order: dict[str, Any]) -> int:
    """Runs one command, in a process of its own, and returns its exit code."""
    os.chdir(order["folder"])
    output = os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(output, stream)
    sys.stdout, sys.stderr = (open(stream, "w", encoding="utf-8") for stream in (1, 2))  # noqa: PTH123, SIM115
    if "call" not in order:
        _listen(order)
    for name, limit in order.get("limits", {}).items():
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (limit, limit))
    if order.get("broken_clock"):
        times = iter(range(10**9, 0, -100))
        time.time = lambda: float(next(times))
    try:
        code = _do(order)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
        code = 99
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    return code


def answer(*numbers: int) -> None:
    """Tells whoever gives the orders."""
    sys.stdout.write(" ".join(map(str, numbers)) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Serves orders until there are no more."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for line in sys.stdin:
        process = os.fork()
        if process == 0:
            os._exit(run(json.loads(line)))
        answer(process)
        _, status, used = os.wait4(process, 0)
        answer(os.waitstatus_to_exitcode(status), used.ru_maxrss)


if __name__ == "__main__":
    main()
