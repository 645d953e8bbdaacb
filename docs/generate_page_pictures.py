"""Draws the pictures of docs/page.md: the page of a run in Chromium, at three widths.

python docs/generate_page_pictures.py            # two minutes; needs the extras page-tests and plots

The text is built in and the seeds are fixed; speeds and last digits are those of the machine.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from docs.generate_pictures import NOTE, PICTURES  # noqa: E402
from tests.support.pages import browser, opened  # noqa: E402

TRAIN = "train builtin:python-docs --name docs --hidden-size 256 --steps 1000 --seed 1 --mix none --quiet"
COLOURS = 64


def main() -> None:
    """Draws all pictures."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with tempfile.TemporaryDirectory() as folder, browser() as running:
        for command in (TRAIN, "export page docs -o docs.html --weights int8"):
            subprocess.run([sys.executable, "-m", "charlm", *command.split()], cwd=folder, env=environment, check=True)
        path = Path(folder, "docs.html")
        for width, height, scheme, show in ((360, 720, "light", _write), (768, 720, "dark", _measure)):
            size = {"width": width, "height": height}
            with opened(running, path, viewport=size, color_scheme=scheme) as page:
                show(page)
                save(page, width)
        with opened(running, path, viewport={"width": 1280, "height": 900}, color_scheme="light") as page:
            _measure(page)
            _write(page)
            page.evaluate("() => { window.scrollTo(0, 0); document.activeElement.blur(); }")
            save(page, 1280, full_page=True)


def save(page: Any, width: int, **options: Any) -> None:
    """Writes a picture with few colours, which makes it small."""
    path = PICTURES / f"page-{width}.png"
    page.screenshot(path=path, **options)
    with Image.open(path) as picture:
        picture.convert("RGB").quantize(COLOURS).save(path, optimize=True)


def _write(page: Any) -> None:
    page.fill("#prompt", "The following ")
    page.fill("#length", "600")
    page.click("#start")
    page.locator("#write-status", has_text="Wrote").wait_for()
    page.locator("#write-title").scroll_into_view_if_needed()
    page.evaluate("() => document.getElementById('write-title').scrollIntoView()")


def _measure(page: Any) -> None:
    page.fill("#text", NOTE)
    page.click("#measure-start")
    page.locator("#measure-status", has_text="bits").wait_for()
    page.locator("#shaded b").nth(NOTE.index("sandwich") + 1).hover()
    page.evaluate("() => document.getElementById('measure-title').scrollIntoView()")


if __name__ == "__main__":
    main()
