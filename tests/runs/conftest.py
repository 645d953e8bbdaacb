from pathlib import Path

import pytest

from charlm.config import RunConfig
from charlm.runs.workspace import Workspace

SENTENCES = ["the cat sat on the mat. ", "a dog ran to the man. ", "we saw ten red hens in a pen. "]


def write_text(path: Path, *, sentences: int = 150) -> Path:
    path.write_text("".join(SENTENCES[(7 * n * n + n // 3) % 3] for n in range(sentences)), encoding="utf-8")
    return path


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


@pytest.fixture
def text(tmp_path: Path) -> Path:
    return write_text(tmp_path / "tale.txt")


@pytest.fixture
def small_config(text: Path):
    """A function that makes the configuration of a training of a second or less."""

    def make(**settings: object) -> RunConfig:
        defaults = {
            "corpus": (str(text),),
            "hidden_size": 8,
            "embedding_size": 4,
            "batch_size": 4,
            "sequence_length": 16,
            "steps": 12,
            "evaluations": 3,
            "precision": "fp32",
            "device": "cpu",
        }
        sections: dict[str, dict[str, object]] = {name: {} for name in RunConfig.model_fields}
        for name, value in (defaults | settings).items():
            (section,) = (
                section
                for section, field in RunConfig.model_fields.items()
                if name in field.annotation.model_fields  # type: ignore[union-attr]
            )
            sections[section][name] = value
        return RunConfig.model_validate(sections)

    return make
