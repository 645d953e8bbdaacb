"""Several processes of one command, as a launcher starts them on one machine; torch is loaded once for all of them."""

import multiprocessing
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from tests.support.processes import MOST_SECONDS

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["charlm.cli.commands.train", "charlm.runs.train.start", "charlm.runs.train.resume"])


@dataclass(frozen=True)
class Launched:
    """Processes that have been started.

    Attributes:
        outputs: the file of what each prints.
    """

    processes: Sequence[ForkServerProcess]
    outputs: Sequence[Path]

    def codes(self) -> list[int | None]:
        """Returns the exit codes, after all have ended; one that has to be killed has none."""
        for process in self.processes:
            process.join(MOST_SECONDS)
        codes = [process.exitcode for process in self.processes]
        for process in self.processes:
            process.kill()
        return codes

    def texts(self) -> list[str]:
        """Returns what each has printed."""
        return [path.read_text() for path in self.outputs]


def launch(
    folder: Path,
    *commands: Sequence[str],
    folders: Sequence[Path] = (),
    environments: Sequence[Mapping[str, str]] = (),
    port: int | None = None,
    versions: Sequence[str] = (),
) -> Launched:
    """Starts a process of charlm for each command.

    Args:
        folder: where all of them work, and print.
        folders: where each works instead.
        environments: variables of each.
        port: where they meet.  [default: one that is free]
        versions: of charlm, that each believes to be.
    """
    port = port or free_port()
    processes, outputs = [], []
    for rank, command in enumerate(commands):
        variables = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(len(commands))}
        variables |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "OMP_NUM_THREADS": "1"}
        if environments:
            variables |= environments[rank]
        outputs.append(folder / f"output-{rank}")
        place, version = folders[rank] if folders else folder, versions[rank] if versions else None
        arguments = (place, list(command), variables, outputs[-1], version)
        processes.append(_CONTEXT.Process(target=_run, args=arguments))
        processes[-1].start()
    return Launched(processes, outputs)


def free_port() -> int:
    """Returns a port of this machine that nobody uses."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def _run(folder: Path, command: list[str], variables: Mapping[str, str], output: Path, version: str | None) -> None:
    from charlm.cli.app import main
    from charlm.runs.train import together

    together.__version__ = version or together.__version__
    os.chdir(folder)
    os.environ.update(variables)
    file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(file, stream)
    sys.argv = ["charlm", *command]
    main()
