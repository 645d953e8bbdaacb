"""Times charlm serve: one stream alone against many at once, whole answers, and what an idle server uses.

    python benchmarks/serving.py
    python benchmarks/serving.py --run checkpoints/NAME

The server is a process of its own, as is the client, which only counts bytes until all streams have ended. "seeded"
texts are those of charlm sample, to the bit; texts without a seed are computed together. Every figure is the median of
repetitions that take turns. Without --run, the model is an LSTM of two layers of 256 units with hardly trained weights,
which are as fast as others.
"""

import argparse
import json
import os
import re
import selectors
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from machine import describe_machine

Samples = dict[str, list[float]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", help="a run to serve")
    parser.add_argument("--weights", default="float32")
    parser.add_argument("--streams", type=int, default=50)
    parser.add_argument("--length", type=int, default=1000, help="characters of each text")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--idle", type=float, default=5.0, help="seconds to watch the idle server")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run = str(Path(arguments.run).resolve()) if arguments.run else _small_run(Path(folder))
        command = [sys.executable, "-m", "charlm", "serve", run, "--port", "0", "--weights", arguments.weights]
        server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=folder)
        try:
            line = server.stderr.readline()
            found = re.search(r"http://127\.0\.0\.1:(\d+)", line)
            assert found, line
            print(f"{describe_machine()}, {Path(run).name}, {arguments.weights}, {arguments.length} characters a text")
            _compare(int(found[1]), arguments)
            used = _seconds_used(server.pid)
            time.sleep(arguments.idle)
            print(f"idle: {_seconds_used(server.pid) - used:.2f} s of processor time in {arguments.idle:g} s")
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait()


def _compare(port: int, arguments: argparse.Namespace) -> None:
    rates: Samples = {}
    _draw(port, arguments.streams, length=50, seeded=True, stream=True)  # Warm.
    for _ in range(arguments.repeat):
        for stream in (True, False):
            for seeded in (False, True):
                for streams in (1, arguments.streams):
                    name = f"{streams:3} {'streams' if stream else 'whole'}{', seeded' if seeded else ''}"
                    rate = _draw(port, streams, length=arguments.length, seeded=seeded, stream=stream)
                    rates.setdefault(name, []).append(rate)
    medians = {name: statistics.median(each) for name, each in rates.items()}
    for name, median in medians.items():
        one = medians[name.replace(f"{arguments.streams:3}", "  1", 1)]
        print(f"  {name:<22}{median:>10,.0f} characters/s{median / one:>8.1f} times one")


def _draw(port: int, streams: int, *, length: int, seeded: bool, stream: bool) -> float:
    """Returns the characters a second of so many texts that are asked for at once."""
    waiting = selectors.DefaultSelector()
    started = time.perf_counter()
    for number in range(streams):
        asked = {"prompt": "The ", "max_tokens": length, "stream": stream} | ({"seed": number} if seeded else {})
        body = json.dumps(asked).encode()
        connection = socket.create_connection(("127.0.0.1", port))
        head = f"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {len(body)}"
        connection.sendall(head.encode() + b"\r\n\r\n" + body)
        waiting.register(connection, selectors.EVENT_READ, bytearray())
    answers = []
    while len(answers) < streams:
        for key, _ in waiting.select():
            part = key.fileobj.recv(1 << 16)
            key.data.extend(part)
            if not part:
                waiting.unregister(key.fileobj)
                key.fileobj.close()
                answers.append(key.data)
    elapsed = time.perf_counter() - started
    for answer in answers:
        assert answer.count(b'"finish_reason": "length"') + answer.count(b'"finish_reason":"length"') == 1, answer
    return streams * length / elapsed


def _small_run(folder: Path) -> str:
    options = ["--hidden-size", "256", "--embedding-size", "256", "--num-layers", "2", "--steps", "2", "--evaluations"]
    options += ["1", "--mix", "none", "--name", "network", "--quiet"]
    train = [sys.executable, "-m", "charlm", "train", "builtin:python-docs", *options]
    subprocess.run(train, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return str(folder / "checkpoints" / "network")


def _seconds_used(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
