"""Pages of runs, taken apart or opened in Chromium."""

import base64
import importlib.util
import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

needs_browser = pytest.mark.skipif(
    CHROMIUM is None or importlib.util.find_spec("playwright") is None,
    reason="needs Chromium, and Playwright: pip install 'charlm[page-tests]'",
)


def model_in(page: bytes) -> dict[str, Any]:
    """Returns what a page's script builds its network and its tokenizer from."""
    return json.loads(_script(page, "model"))


def weights_in(page: bytes) -> bytes:
    """Returns the block of a page's weights."""
    return base64.b64decode(_script(page, "weights"))


def text_of(page: bytes) -> str:
    """Returns what stands before a page's scripts, with its markup."""
    return page.decode().partition("<script")[0]


def _script(page: bytes, name: str) -> str:
    (found,) = re.findall(rf'<script type="[^"]*" id="{name}">([^<]*)</script>', page.decode())
    return found


@contextmanager
def browser() -> Iterator[Any]:
    """Gives a running Chromium without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=_FLAGS)
        try:
            yield running
        finally:
            running.close()


@contextmanager
def opened(running: Any, path: Path, **options: Any) -> Iterator[Any]:
    """Gives a page in a window of its own when its network is unpacked.

    Afterwards, nothing must have gone wrong in it, and nothing but the page itself must have been asked for.
    """
    page = running.new_page(**options)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text))
    page.on("request", lambda request: problems.append(request.url) if request.url != path.as_uri() else None)
    page.goto(path.as_uri())
    page.locator("#start:not([disabled])").wait_for()
    yield page
    page.close()
    assert problems == []
