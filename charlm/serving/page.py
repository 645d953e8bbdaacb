"""The page at `/`."""

from collections.abc import Sequence
from html import escape


def front_page(names: Sequence[str]) -> str:
    """Returns a page that names the models and where to write to them."""
    listed = "".join(f"<li>{escape(name)}</li>" for name in names)
    return (
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>charlm</title>"
        f"<h1>charlm</h1><p>Served here, at /v1/completions:</p><ul>{listed}</ul></html>"
    )
