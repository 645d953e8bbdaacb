"""The pages for people: each run's own, and a list where there are several or a run has none."""

from collections.abc import Sequence
from html import escape
from typing import final
from urllib.parse import quote

from charlm.config import Weights
from charlm.errors import CharlmError
from charlm.notation import visible
from charlm.runs.export.page import page_of
from charlm.runs.reporting import SilentReporter
from charlm.runs.stored.workspace import Workspace
from charlm.serving.models import ServedModel

POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
"""The Content-Security-Policy of pages that are made here; those of runs bring theirs."""


@final
class Pages:
    """The pages of served runs, each made when it is first asked for."""

    def __init__(self, models: Sequence[ServedModel], workspace: Workspace, *, weights: Weights) -> None:
        self._models = {model.name: model for model in models}
        self._workspace = workspace
        self._weights = weights
        self._made: dict[str, bytes] = {}

    def front(self) -> bytes:
        """Returns the page at `/`: that of the only run, or a list of several."""
        if len(self._models) == 1:
            return self.of_run(next(iter(self._models)))
        links = "".join(f"<li><a href='/runs/{quote(name, safe='')}'>{_safe(name)}</a></li>" for name in self._models)
        return _plain_page("charlm", f"<ul>{links}</ul>")

    def of_run(self, name: str) -> bytes:
        """Returns the page of a run; of one that a page cannot hold, a sentence that says so.

        Raises:
            KeyError: no run has this name.
        """
        if name not in self._made:
            model = self._models[name]
            try:
                page = page_of(model.run, self._workspace, SilentReporter(), weights=self._weights)
            except CharlmError as error:
                page = _plain_page(name, f"<p>{_safe(str(error))}</p>")
            self._made[name] = page
        return self._made[name]


def _plain_page(title: str, body: str) -> bytes:
    use = "<p>Programs write with it at <code>POST /v1/completions</code>.</p>"
    style = "<style>body{font:1rem/1.5 system-ui;max-width:40rem;margin:2rem auto;padding:0 1rem}</style>"
    head = f"<!doctype html><html lang='en'><head><meta charset='utf-8'><title>{_safe(title)}</title>{style}</head>"
    return f"{head}<body><main><h1>{_safe(title)}</h1>{body}{use}</main></body></html>".encode()


def _safe(text: str) -> str:
    return escape(visible(text))
