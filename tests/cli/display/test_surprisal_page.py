import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from charlm.cli.display.surprisal_page import surprisal_page
from charlm.data.tokenizers.byte import ByteTokenizer
from charlm.evaluation.surprisal import Surprisal
from charlm.runs.evaluate.surprisal import SurprisalResult
from tests.support.contrast import BLACK, WHITE, contrast, of_page
from tests.support.surprisals import surprisal_of

HOSTILE = "</pre><script>alert('1')</script>\" onclick=\"x & <img src=//evil.example>\n\x1b[31m\u202e"


class Page(HTMLParser):
    """The tags, the attributes and the text of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self._open = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._open = tag

    def handle_data(self, data):
        self.texts.append((self._open, data))


def page(surprisal: Surprisal, *, run: str = "demo", text: str = "text") -> Page:
    return Page(b"".join(surprisal_page(SurprisalResult(run, text, surprisal))).decode())


def colours_of(style: str) -> list[dict[str, str]]:
    """Returns the colours of a light and of a dark page by their names."""
    return [dict(re.findall(r"--(\w+): (#[0-9a-f]+)", scheme)) for scheme in re.findall(r":root {([^}]*)}", style)]


def characters(found: Page) -> list[dict[str, str | None]]:
    return [attributes for tag, attributes in found.tags if tag == "b" and "data-i" in attributes]


def test_nothing_of_the_text_the_vocabulary_or_the_names_becomes_markup() -> None:
    found = page(surprisal_of(HOSTILE, [1.0] * len(HOSTILE), top=99), run="<b>run", text='"><script>')
    assert {tag for tag, _ in found.tags} == {
        *("html", "head", "meta", "title", "style", "body", "h1", "p", "main", "pre", "b"),
    }
    assert {name for tag, attributes in found.tags if tag == "b" for name in attributes} == {"class", "data-i"}
    assert len(characters(found)) == len(HOSTILE)
    in_bold = "".join(text for tag, text in found.texts if tag == "b").replace("\n", "")
    assert in_bold.endswith("⏎␛[31m\\u202e")
    assert "<img src=//evil.example>" in in_bold
    assert "'<' <1%" in characters(found)[1]["data-i"]


def test_the_policy_allows_the_style_of_the_page_and_nothing_else() -> None:
    found = page(surprisal_of("ab", [0.0, 1.0]))
    (style,) = (text for tag, text in found.texts if tag == "style" and text.strip())
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    (policy,) = (attributes["content"] for _, attributes in found.tags if "http-equiv" in attributes)
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert "url(" not in style
    assert "@import" not in style
    assert not any({"src", "href", "style"} & attributes.keys() for _, attributes in found.tags)


def test_text_is_legible_on_light_and_on_dark_pages() -> None:
    found = page(surprisal_of("ab", [0.0, 1.0]))
    (style,) = (text for tag, text in found.texts if tag == "style" and text.strip())
    for colours, text in zip(colours_of(style), (BLACK, WHITE), strict=True):
        assert colours.keys() == {"1", "2", "3", "4", "on4"}
        for level in ("1", "2", "3"):
            assert contrast(of_page(colours[level]), text) >= 4.5
        assert contrast(of_page(colours["4"]), of_page(colours["on4"])) >= 4.5


def test_the_box_under_the_mouse_covers_the_lines_behind_it() -> None:
    found = page(surprisal_of("ab", [0.0, 1.0]))
    (style,) = (text for tag, text in found.texts if tag == "style" and text.strip())
    (box,) = re.findall(r"b:hover::after {([^}]*)}", style)
    assert "position: fixed" in box and "z-index: 1" in box and "background: Canvas" in box


def test_every_element_is_closed_in_order_and_attributes_are_quoted() -> None:
    html = b"".join(surprisal_page(SurprisalResult("demo", "text", surprisal_of(HOSTILE, [1.0] * len(HOSTILE)))))
    opened: list[str] = []

    class Balance(HTMLParser):
        def handle_starttag(self, tag, attrs):
            assert all(value is not None for _, value in attrs)
            if tag != "meta":
                opened.append(tag)

        def handle_endtag(self, tag):
            assert opened.pop() == tag

    Balance().feed(html.decode())
    assert opened == []
    assert html.startswith(b'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">')


def test_a_character_shows_its_bits_its_rank_and_the_likeliest_symbols() -> None:
    first, second = characters(page(surprisal_of("ab", [0.0, 2.0], top=2, shares=0.25)))
    assert first == {"class": "l0", "data-i": "read, not scored"}
    assert second == {
        "class": "l2",
        "data-i": "2.00 bits, rank 3, network 25%, n-grams 75%\n'a' 50%   <unknown> <1%",
    }


def test_a_character_of_two_bytes_shows_both() -> None:
    _, second = characters(page(surprisal_of("aé", [0.0, 2.0, 3.0], tokenizer=ByteTokenizer())))
    assert second == {"class": "l3", "data-i": "2.00 bits, rank 3\n3.00 bits, rank 3"}


def test_each_line_is_one_of_the_page() -> None:
    html = b"".join(surprisal_page(SurprisalResult("demo", "text", surprisal_of("a\nb", [0.0, 1.0, 1.0])))).decode()
    lines = re.findall("<pre>(.*)</pre>", html)
    assert [re.sub("<[^>]*>", "", line) for line in lines] == ["a⏎", "b"]


@pytest.mark.parametrize("text", ["a", "a\n"])
def test_no_line_is_made_up_after_the_last(text: str) -> None:
    html = b"".join(surprisal_page(SurprisalResult("demo", "text", surprisal_of("b" + text, [0.0] * (1 + len(text))))))
    assert b"<pre></pre>" not in html
