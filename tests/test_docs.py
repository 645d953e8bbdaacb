import doctest
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
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
    known = set(re.findall(r"--[a-z][a-z-]+", reference)) | {"--check", "--pattern", "--help"}
    commands = [line for line in page.read_text(encoding="utf-8").splitlines() if "charlm " in line]
    for option in re.findall(r"--[a-z][a-z-]+", "\n".join(commands)):
        assert option in known, option


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
