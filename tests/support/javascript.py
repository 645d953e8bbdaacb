"""The scripts of a page under Node.js, without a page."""

import base64
import json
import shutil
import subprocess
from typing import Any

import pytest

from charlm.page.document import page_script

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")

_HEAD = """
const given = JSON.parse(require("fs").readFileSync(0, "utf-8"));
const bytesOf = (text) => Uint8Array.from(Buffer.from(text, "base64")).buffer;
"""


def run_script(code: str, **given: Any) -> Any:
    """Returns what `code` returns as JSON: the body of a function that sees the page's classes, and what is `given`.

    Bytes are given in base 64, for `bytesOf`.
    """
    values = {
        name: base64.b64encode(value).decode() if isinstance(value, bytes) else value for name, value in given.items()
    }
    program = f"{page_script(with_page=False)}\n{_HEAD}\nconsole.log(JSON.stringify((() => {{ {code} }})()));"
    finished = subprocess.run(
        ["node", "-e", program], input=json.dumps(values), capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout)
