import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import charlm

ROOT = Path(__file__).parents[1]


def loaded_by(statement: str) -> set[str]:
    heavy = "('torch', 'numpy', 'sentencepiece')"
    code = f"import sys\n{statement}\nprint(*(name for name in {heavy} if name in sys.modules))"
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(finished.stdout.split())


def test_importing_charlm_loads_nothing_heavy():
    assert loaded_by("import charlm") == set()


def test_help_loads_nothing_heavy():
    statement = "import io, contextlib\nfrom charlm.cli.app import run\nwith contextlib.redirect_stdout(io.StringIO()):"
    assert loaded_by(f"{statement}\n    assert run(['train', '--help']) == 0") == set()


def test_the_api_is_what_is_promised():
    assert callable(charlm.train)
    assert callable(charlm.load)
    assert charlm.Run.__name__ == "Run"
    with pytest.raises(AttributeError):
        charlm.nothing  # noqa: B018


def test_torch_is_pinned_by_exact_version():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert "torch==2.13.0" in lines


def test_every_dependency_is_pinned():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    pinned = {line.split("==")[0].lower().replace("_", "-") for line in _pins()}
    for requirement in wanted:
        name = requirement.split(";")[0].strip().split(">")[0].split("=")[0].lower().replace("_", "-")
        assert name in pinned, name


def _pins() -> list[str]:
    return [
        line
        for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    ]


def test_the_wheel_holds_every_module_and_the_one_version(tmp_path: Path):
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if name.startswith("charlm/")}
        metadata = archive.read(f"charlm-{charlm.__version__}.dist-info/METADATA").decode()
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "charlm").rglob("*.py")}
    page = {str(path.relative_to(ROOT)) for path in (ROOT / "charlm/page").glob("*.[chj][st]*")}
    assert len(page) >= 3
    assert packed == modules | page | {"charlm/py.typed", "charlm/data/catalog.toml"}
    assert f"\nVersion: {charlm.__version__}\n" in metadata


@pytest.mark.slow
def test_an_installed_wheel_trains(tmp_path: Path):
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index", "-q"]
    subprocess.run([*build, "-w", str(tmp_path), str(ROOT)], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    (tmp_path / "text.txt").write_text("abc " * 200)
    train = [sys.executable, "-m", "charlm", "train", "text.txt", "--steps", "2", "--hidden-size", "4", "--quiet"]
    environment = {"PYTHONPATH": str(tmp_path / "installed"), "PATH": ""}
    subprocess.run(train, cwd=tmp_path, env=environment, check=True, capture_output=True)
