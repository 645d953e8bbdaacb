"""A page as a document: its policy names its scripts and styles, and no text of a run becomes markup in it."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

from hypothesis import given, settings
from hypothesis import strategies as st

from charlm.page.document import PageContents, content_policy, render, safe, script_json

NASTY = "</script><script>alert(1)</script><!--<script> ]]> {{script}} \u2028\u2029\x00\x1b[2J\"'&<b>"
ANY_TEXT = st.one_of(st.just(NASTY), st.just("\ud800"), st.text(st.characters(codec=None), max_size=40))


class Elements(HTMLParser):
    """The elements of a page with their attributes, and the texts of its scripts."""

    def __init__(self, page):
        super().__init__()
        self.found, self.attributes, self.scripts = [], [], []
        self._is_script = False
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.found.append(tag)
        self.attributes += attrs
        self._is_script = tag in ("script", "style")
        if self._is_script:
            self.scripts.append("")

    def handle_endtag(self, tag):
        self._is_script = False

    def handle_data(self, data):
        if self._is_script:
            self.scripts[-1] += data


def contents(text="x", model=None):
    return PageContents(
        title=text,
        summary=text,
        facts=[(text, text)],
        scores=[(text, text)],
        notes=[text],
        unit_value=text,
        figures="",
        model={"text": text} if model is None else model,
        weights=b"\x00\x01\xff",
    )


USUAL = Elements(render(contents()).decode())


@settings(max_examples=25)
@given(text=ANY_TEXT)
def test_no_text_of_a_run_becomes_markup(text):
    page = render(contents(text)).decode()
    found = Elements(page)
    assert found.found == USUAL.found
    assert [name for name, _ in found.attributes] == [name for name, _ in USUAL.attributes]
    assert len(found.scripts) == 4
    assert json.loads(found.scripts[1]) == {"text": text}
    assert found.scripts[2:] == USUAL.scripts[2:]


@settings(max_examples=25)
@given(text=ANY_TEXT)
def test_no_control_character_and_no_line_separator_stands_in_a_page(text):
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]", render(contents(text)).decode())


@given(value=st.dictionaries(ANY_TEXT, ANY_TEXT))
def test_json_in_a_script_comes_back(value):
    written = script_json(value)
    assert written.isascii()
    assert "<" not in written
    assert json.loads(written) == value


def test_the_policy_allows_the_script_and_the_style_by_their_hashes_and_nothing_else():
    page = render(contents()).decode()
    found = Elements(page)
    style, _, _, script = found.scripts
    hashes = [base64.b64encode(hashlib.sha256(each.encode()).digest()).decode() for each in (style, script)]
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert policy.split("; ") == [
        "default-src 'none'",
        f"style-src 'sha256-{hashes[0]}'",
        f"script-src 'sha256-{hashes[1]}' 'wasm-unsafe-eval'",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    assert page.index("Content-Security-Policy") < page.index("<style>")


def test_a_page_names_no_address_and_no_attribute_that_runs_or_styles():
    found = Elements(render(contents()).decode())
    names = [name for name, _ in found.attributes]
    assert not {"src", "href", "style", "action", "srcset", "data"} & set(names)
    assert not [name for name in names if name.startswith("on")]


def test_the_weights_are_in_the_page():
    assert Elements(render(contents()).decode()).scripts[2] == base64.b64encode(b"\x00\x01\xff").decode()


def test_a_page_without_scripts_may_run_none():
    assert "script-src" not in content_policy(styles=["b {}"])


def test_what_cannot_be_seen_is_shown():
    assert safe("a<\x1b\u2028\ud800\U0001f600") == "a&lt;\u241b\\u2028\ufffd\U0001f600"
