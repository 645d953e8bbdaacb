import doctest
import re
import shlex
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
import typer

from charlm.cli.app import build_app
from charlm.config import Search, sections
from docs.generate_pictures import draw, end_of_step, screen

ROOT = Path(__file__).parents[1]
PICTURES = sorted((ROOT / "docs" / "pictures").glob("*.svg"))
TORCHRUNS = {
    f"--{name}"
    for name in ("standalone", "nproc-per-node", "nnodes", "rdzv-backend", "rdzv-id", "rdzv-endpoint", "max-restarts")
}
"""Options of torchrun, which stand before charlm's."""
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_the_reference_of_the_command_line_is_up_to_date():
    command = [sys.executable, "-m", "docs.generate_cli", "--check"]  # -m finds charlm here, installed or not
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_to_files_lead_somewhere(page: Path):
    for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_options_that_are_written_about_exist(page: Path):
    reference = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    known = set(re.findall(r"--[a-z][a-z-]+", reference)) | {"--check", "--pattern", "--help"} | TORCHRUNS
    commands = [line for line in page.read_text(encoding="utf-8").splitlines() if "charlm " in line]
    for option in re.findall(r"--[a-z][a-z-]+", "\n".join(commands)):
        assert option in known, option


def test_every_command_of_the_readme_is_understood() -> None:
    program = typer.main.get_command(build_app())
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    lines = [
        line for block in re.findall(r"^```\n(.*?)```", text, re.DOTALL | re.MULTILINE) for line in block.splitlines()
    ]
    commands = [shlex.split(line, comments=True) for line in lines if line.startswith("charlm ")]
    assert len(commands) > 10
    for _, *words in commands:
        command = program
        while hasattr(command, "commands"):
            command = command.commands[words.pop(0)]
        command.make_context(command.name, words)  # Refuses what it does not know.


def test_every_line_of_the_tutorial_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    lines = "\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL))
    assert lines.count("\n>>>") + 1 == page.count(">>>")
    tutorial = doctest.DocTestParser().get_doctest(lines, {}, "python.md", None, None)
    found: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    runner.run(tutorial, out=found.append)
    assert runner.summarize(verbose=False).failed == 0, "".join(found)


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_a_picture_is_small_loads_nothing_and_is_shown(picture: Path) -> None:
    text = picture.read_text(encoding="utf-8")
    assert picture.stat().st_size < 150_000
    assert set(re.findall(r"https?://[^\"]*", text)) == {"http://www.w3.org/2000/svg"}
    assert re.search(r"@import|@font-face|href|url\([^#]", text) is None
    assert f"](docs/pictures/{picture.name})" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_no_text_becomes_markup_in_a_picture() -> None:
    drawn = draw("charlm sample <b>", "\x1b[31m<script>&\x1b[0m [red]not a style[/red]")
    assert {element.tag.rpartition("}")[2] for element in ElementTree.fromstring(drawn).iter()} == {
        "svg", "style", "defs", "clipPath", "rect", "g", "circle", "text"
    }  # fmt: skip
    assert "[red]not\u00a0a\u00a0style[/red]" in "".join(ElementTree.fromstring(drawn).itertext())


def test_a_picture_shows_what_the_terminal_shows() -> None:
    again = "\r\x1b[2K\x1b[1A\x1b[2K"
    written = f"note\nstep 1 of 3\nloss 3{again}step 2 of 3\nloss 2{again}step 3 of 3\nloss 1\n"
    assert screen(written) == "note\nstep 3 of 3\nloss 1\n"
    assert screen(written[: end_of_step(written, 2)]) == "note\nstep 2 of 3\nloss 2"


def test_what_a_search_varies_is_in_its_guide_as_the_settings_declare_it() -> None:
    guide = (ROOT / "docs" / "tune.md").read_text(encoding="utf-8")
    declared = {
        f"| `{name}` | {search.in_words()} |"
        for section in sections().values()
        for name, field in section.model_fields.items()
        for search in field.metadata
        if isinstance(search, Search)
    }
    assert declared == {line for line in guide.splitlines() if line.startswith("| `")}
