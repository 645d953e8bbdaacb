"""The page in Chromium: what a person can do with it."""

import pytest

from charlm.config import SamplingConfig, by_section, make_request
from charlm.runs.export.page import page_of
from charlm.runs.reporting import SilentReporter
from charlm.runs.sample import stream
from charlm.runs.stored.workspace import Workspace
from tests.support.pages import browser, needs_browser, opened
from tests.support.tale import write_tale
from tests.support.training_runs import SMALL, train_whole

pytestmark = needs_browser

NASTY = "</script><b>&\u2028\x01\n\u202e"


def trained(folder, *, corpus=None, **settings):
    """The folder's workspace with a run, and its page as a file."""
    corpus = write_tale(folder / "tale.txt") if corpus is None else corpus
    values = SMALL | {"corpus": (str(corpus),), "name": "run"} | settings
    workspace = Workspace(folder)
    train_whole(make_request(by_section(values)), workspace)
    path = folder / "run.html"
    path.write_bytes(page_of("run", workspace, SilentReporter()))
    return workspace, path


@pytest.fixture(scope="module")
def chromium():
    with browser() as running:
        yield running


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("page"))


@pytest.fixture
def page(chromium, made):
    with opened(chromium, made[1]) as page:
        yield page


def write(page, **fields):
    """Fills the form in, writes, and returns the text."""
    for name, value in fields.items():
        page.fill(f"#{name.replace('_', '-')}", str(value))
    page.click("#start")
    page.locator("#write-status", has_text="Wrote").wait_for()
    return page.text_content("#paper")


def measure(page, text):
    page.fill("#text", text)
    page.click("#measure-start")
    page.locator("#measure-status", has_text="bits per character").wait_for()


def test_a_seed_writes_what_charlm_sample_writes(page, made):
    workspace, _ = made
    settings = SamplingConfig(length=300, temperature=0.8)
    expected = "".join(piece.text for piece in stream("run", "the cat", settings, workspace, seed=12).pieces)
    assert write(page, prompt="the cat", seed=12, length=300) == f"the cat{expected}"


def test_going_on_is_as_if_it_had_not_stopped(page):
    whole = write(page, length=60, seed=3)
    write(page, length=20, seed=3)
    page.fill("#length", "40")
    page.click("#go-on")
    page.locator("#write-status", has_text="Wrote 40").wait_for()
    assert page.text_content("#paper") == whole


def test_a_text_ends_before_the_stop_text_and_filters_count(page):
    assert "e" not in write(page, length=500, stop_text="e", seed=2)
    page.fill("#stop-text", "")
    assert len(set(write(page, length=200, top_k=1))) < len(set(write(page, length=200, top_k="")))


def test_writing_can_be_stopped_and_the_page_stays_alive(page):
    page.fill("#length", "100000")
    page.click("#start")
    page.click("#stop")
    page.locator("#write-status", has_text="Wrote").wait_for()
    assert 0 < len(page.text_content("#paper")) < 100000
    assert page.is_enabled("#go-on")


def test_a_measured_text_tells_of_each_character_under_the_mouse_and_by_keys(page):
    measure(page, "the cat sat")
    pieces = page.locator("#shaded b")
    assert pieces.count() == len("the cat sat")
    pieces.nth(4).hover()
    assert page.text_content("#detail strong") == "c"
    assert page.locator("#detail li").count() == 8
    page.locator("#shaded").focus()
    for key in ("End", "ArrowLeft"):
        page.keyboard.press(key)
    assert page.text_content("#detail strong") == "a"
    assert page.get_attribute("#detail", "aria-live") == "polite"


def test_a_text_can_be_coloured_by_a_unit_and_a_unit_overwritten(page):
    measure(page, "the cat sat on the mat")
    before = page.text_content("#measure-status")
    page.check("input[value=unit]")
    page.fill("#unit-layer", "2")
    page.fill("#unit-number", "3")
    page.keyboard.press("Tab")
    page.locator("#shaded b[class^=u]").first.wait_for()
    page.fill("#hold-layer", "2")
    page.fill("#hold-number", "3")
    page.fill("#hold-value", "2")
    page.click("#hold-start")
    page.locator("#held button", has_text="2:3 = 2").wait_for()
    page.locator("#measure-status", has_text="bits per character").wait_for()
    assert page.text_content("#measure-status") != before
    free = write(page, length=100, seed=1)
    page.click("#held button")
    assert write(page, length=100, seed=1) != free


def test_unknown_characters_are_left_out_of_a_prompt_and_charged_in_a_text(page):
    assert write(page, prompt="the \u00e9<a>", length=10).startswith("the a")
    assert "does not know \u00e9 (U+00E9), < (U+003C), > (U+003E); left out" in page.text_content("#write-status")
    measure(page, "the \u00e9")
    page.locator("#shaded b").nth(4).hover()
    assert page.text_content("#detail strong") == "\u00e9"
    assert float(page.text_content("#detail p").split("took ")[1].split()[0]) > 20


def test_all_can_be_done_with_the_keyboard_alone(page):
    reached = []
    for _ in range(30):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("() => document.activeElement.id || document.activeElement.name"))
    wanted = {"prompt", "temperature", "top-k", "top-p", "seed", "length", "stop-text", "start", "paper"}
    assert wanted | {"text", "measure-start", "shaded", "colour", "hold-layer", "hold-start"} <= set(reached)
    page.locator("#seed").focus()
    page.keyboard.press("Enter")
    page.locator("#write-status", has_text="Wrote").wait_for()


def test_every_control_has_a_name(page):
    tree = page.locator("body").aria_snapshot()
    for line in tree.splitlines():
        kind = line.strip().removeprefix("- ").rstrip(":")
        assert kind not in ("button", "textbox", "spinbutton", "slider", "radio", "region", "application", "img"), tree


def test_the_first_paint_is_before_the_network_is_unpacked(page):
    times = page.evaluate(
        "() => [performance.getEntriesByName('first-contentful-paint'), performance.getEntriesByName('unpacking')]"
        ".map((entries) => entries[0].startTime)"
    )
    assert times[0] <= times[1]


def test_the_policy_stops_scripts_of_others_and_requests(chromium, made):
    running = chromium.new_page()
    running.goto(made[1].as_uri())
    tries = """async (code) => {
      const script = document.createElement("script");
      script.textContent = "window.wasRun = true";
      document.body.append(script);
      const fetched = await fetch("http://127.0.0.1:9/").then(() => "sent", (error) => error.name);
      const evaluate = () => { try { return new Function("return 1")(); } catch (error) { return error.name; } };
      const evaluated = await new Promise((resolve) => setTimeout(() => resolve(evaluate())));
      return [window.wasRun ?? false, fetched, evaluated];
    }"""
    assert running.evaluate(tries) == [False, "TypeError", "EvalError"]
    running.close()


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 768, 1280])
def test_nothing_is_wider_than_the_window(chromium, made, width, scheme):
    with opened(chromium, made[1], viewport={"width": width, "height": 800}, color_scheme=scheme) as page:
        write(page, length=400, prompt="the" * 60)
        measure(page, "the cat" * 30 + "e" * 300)
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width


@pytest.mark.slow
def test_a_vocabulary_of_markup_and_control_characters_is_text(chromium, tmp_path):
    corpus = tmp_path / "odd.txt"
    corpus.write_text(NASTY * 200, encoding="utf-8", newline="")
    _, path = trained(tmp_path, corpus=corpus)
    with opened(chromium, path) as page:
        written = write(page, prompt=NASTY, length=100)
        assert written.startswith("</script><b>&\\u2028\u2401\n\\u202e")
        measure(page, NASTY)
        assert page.locator("#shaded b").count() == len(NASTY)
        assert page.locator("#shaded b b").count() == 0


@pytest.mark.slow
def test_records_are_written_one_after_the_other_and_measured_line_by_line(chromium, tmp_path):
    corpus = tmp_path / "names.txt"
    corpus.write_text("anna\nbob\ncarla\ndora\n" * 60)
    workspace, path = trained(tmp_path, corpus=corpus, records="lines")
    settings = SamplingConfig(length=1000, num_samples=3, temperature=0.8)
    pieces = list(stream("run", "", settings, workspace, seed=1).pieces)
    records = ["".join(piece.text for piece in pieces if piece.sample == number) for number in range(3)]
    with opened(chromium, path) as page:
        assert write(page, length=3, seed=1).splitlines()[:3] == records
        measure(page, "anna\n\nbob")
        assert page.locator("#shaded div").count() == 2


@pytest.mark.slow
def test_bytes_are_shown_as_the_characters_that_they_make(chromium, tmp_path):
    _, path = trained(tmp_path, tokenizer="byte")
    with opened(chromium, path) as page:
        measure(page, "caf\u00e9 \U0001f600")
        assert page.locator("#shaded b").all_text_contents() == list("caf\u00e9 \U0001f600")
        page.locator("#shaded b").nth(3).hover()
        assert "bits for its 2 symbols" in page.text_content("#detail")
