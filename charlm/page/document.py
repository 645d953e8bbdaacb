"""A run as one HTML file: the template with its texts escaped, its scripts and styles named in its policy."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from typing import Any

from charlm.notation import visible
from charlm.version import __version__

_COMPUTING, _SHOWING = ("engine.js", "subwords.js", "text.js", "drawing.js", "writing.js"), ("shaded.js", "page.js")
_PLACE = re.compile(r"\{\{(\w+)\}\}")


@dataclass(frozen=True)
class PageContents:
    """What a page shows and holds.

    Attributes:
        title: the run's name.
        summary: one sentence about the run.
        facts: rows of a heading and a text.
        scores: a figure, and what it is.
        notes: sentences that a reader must know.
        unit_value: a sentence on what the value of a unit is.
        figures: SVG, made by charlm/page/curves.py.
        model: what the script builds the network and the tokenizer from, as JSON values.
        weights: the block of numbers that `model` describes.
    """

    title: str
    summary: str
    facts: Sequence[tuple[str, str]]
    scores: Sequence[tuple[str, str]]
    notes: Sequence[str]
    unit_value: str
    figures: str
    model: Mapping[str, Any]
    weights: bytes


def render(contents: PageContents) -> bytes:
    """Returns the page, UTF-8; no text of a run becomes markup in it, and nothing is loaded by it."""
    style, script = page_style("page.css"), page_script()
    values = {
        "policy": content_policy(styles=[style], scripts=[script]),
        "title": safe(contents.title),
        "summary": safe(contents.summary),
        "facts": "".join(f"<dt>{safe(name)}</dt><dd>{safe(text)}</dd>" for name, text in contents.facts),
        "scores": _listed_scores(contents.scores),
        "notes": "".join(f"<p>{safe(note)}</p>" for note in contents.notes),
        "unit_value": safe(contents.unit_value),
        "figures": contents.figures,
        "version": __version__,
        "style": style,
        "script": script,
        "model": script_json(contents.model),
        "weights": base64.b64encode(contents.weights).decode("ascii"),
    }
    # One pass: what is put in is not looked through again.
    return _PLACE.sub(lambda place: values[place[1]], _read("page.html")).encode()


def page_script(*, with_page: bool = True) -> str:
    """Returns the script of a page, or only the part of it that computes and needs no page."""
    return "\n".join(map(_read, (*_COMPUTING, *(_SHOWING if with_page else ()))))


def page_style(*names: str) -> str:
    """Returns the style of the levels of bits, and after it the named ones."""
    return "\n".join(map(_read, ("shading.css", *names)))


def content_policy(*, styles: Sequence[str] = (), scripts: Sequence[str] = ()) -> str:
    """Returns a Content-Security-Policy that allows these texts as styles and scripts, and nothing else.

    Scripts may compile WebAssembly, which is 'wasm-unsafe-eval'; text is never run as a script.
    """
    allowed = [("style-src", styles, ()), ("script-src", scripts, ("'wasm-unsafe-eval'",))]
    sources = [f"{name} {' '.join((*map(_hash_source, texts), *more))}" for name, texts, more in allowed if texts]
    return "; ".join(["default-src 'none'", *sources, "base-uri 'none'", "form-action 'none'"])


def safe(text: str) -> str:
    """Returns a text as it may stand in HTML, between tags or in quotes, with symbols for control characters.

    Half of a surrogate pair, which no file can hold, becomes U+FFFD.
    """
    return escape(visible(text)).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def script_json(value: Mapping[str, Any]) -> str:
    """Returns JSON as it may stand in a script element: ASCII without '<', which could end it."""
    return json.dumps(value, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def _listed_scores(scores: Sequence[tuple[str, str]]) -> str:
    items = "".join(f"<li><strong>{safe(figure)}</strong><span>{safe(name)}</span></li>" for figure, name in scores)
    return f'<ul class="scores" aria-label="Scores">{items}</ul>' if items else ""


def _hash_source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _read(name: str) -> str:
    return files("charlm.page").joinpath(name).read_text(encoding="utf-8")
