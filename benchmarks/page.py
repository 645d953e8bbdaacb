"""Times the page of a run in Chromium: characters a second, the time until it can be used, and its size.

    python benchmarks/page.py
    python benchmarks/page.py --run checkpoints/NAME     of a run, instead of untrained networks

Needs Chromium and the extra page-tests. Untrained weights are as fast as trained ones. Every figure is the median of
repetitions; drawing, decoding and showing the text are in it. Without WebAssembly the products are those of JavaScript.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from machine import describe_machine

sys.path.insert(0, str(Path(__file__).parents[1]))  # tests.support

from charlm.config import Weights, by_section, make_request
from charlm.runs.export.page import page_of
from charlm.runs.reporting import SilentReporter
from charlm.runs.stored.workspace import Workspace
from tests.support.pages import browser
from tests.support.tale import write_tale
from tests.support.training_runs import train_whole

LENGTH = 4000
SHAPES = ((1, 256), (2, 256), (2, 512))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=5, help="repetitions of every measurement")
    parser.add_argument("--run", help="a run to time")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, browser() as running:
        folder = Path(name)
        print(f"{describe_machine()}, Chromium {running.version}")
        for title, run, workspace in _runs(arguments.run, folder):
            for weights in ("int8", "float32"):
                _time(title, run, workspace, weights, running, folder, repeat=arguments.repeat)


def _runs(run, folder):
    """Yields a name, a run and its workspace."""
    if run is not None:
        yield run, run, Workspace()
        return
    write_tale(folder / "tale.txt")
    for layers, units in SHAPES:
        name = f"{layers}x{units}"
        sizes = {"num_layers": layers, "hidden_size": units, "tokenizer": "byte"}
        training = {"corpus": (str(folder / "tale.txt"),), "name": name, "steps": 1, "batch_size": 4, "device": "cpu"}
        train_whole(make_request(by_section(sizes | training)), Workspace(folder))
        yield f"{name} LSTM of bytes", name, Workspace(folder)
        shutil.rmtree(folder / "checkpoints")


def _time(title, run, workspace, weights: Weights, running, folder, *, repeat) -> None:
    path = folder / "page.html"
    path.write_bytes(page_of(run, workspace, SilentReporter(), weights=weights))
    page = running.new_page()
    page.goto(path.as_uri())
    page.locator("#start:not([disabled])").wait_for()
    ready = page.evaluate("() => performance.now()")
    page.fill("#length", str(LENGTH))
    speeds = []
    for _ in range(repeat + 1):  # The first one is compiled on the way.
        page.click("#start")
        page.locator("#write-status", has_text="Wrote").wait_for()
        speeds.append(float(page.text_content("#write-status").split("characters, ")[1].split(" ")[0].replace(",", "")))
    print(
        f"{title}, {weights}: {statistics.median(speeds[1:]):,.0f} characters/s, "
        f"{path.stat().st_size / 1e6:.2f} MB, ready after {ready / 1000:.2f} s"
    )
    page.close()


if __name__ == "__main__":
    main()
