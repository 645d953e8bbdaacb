import os
from contextlib import nullcontext
from pathlib import Path

import pytest

import charlm.data.survey as survey_module
from charlm.config import DataConfig
from charlm.data.inputs import open_corpus
from charlm.data.layout import Layout
from charlm.data.sources import KeptSource
from charlm.data.survey import shared_out, survey
from charlm.errors import DataError


@pytest.mark.parametrize(
    ("units", "sizes", "shares"),
    [
        ([5, 5], {"train": 10}, [{"train": 5}, {"train": 5}]),
        ([5, 0, 5], {"train": 7, "valid": 2, "test": 1}, [{"train": 5}, {}, {"train": 2, "valid": 2, "test": 1}]),
        ([4, 4, 2], {"train": 4, "test": 6}, [{"train": 4}, {"test": 4}, {"test": 2}]),
        ([9], {"train": 3, "valid": 6}, [{"train": 3, "valid": 6}]),
    ],
)
def test_blocks_are_shared_out_in_their_order(units, sizes, shares):
    assert shared_out(units, sizes) == shares


def surveyed(path: Path, **settings: object) -> Layout:
    data = DataConfig(corpus=(str(path),), **settings)
    text = open_corpus(data, folder=path.parent, stdin=None)
    return survey(text, records=False, progress=lambda *_: nullcontext(lambda _: None))


def read_again(layout: Layout, path: Path) -> str:
    """Returns what a layout reads after its file was replaced by another of the same length."""
    path.write_bytes(path.read_bytes().replace(b"old", b"new"))
    os.utime(path, ns=(1, 1))
    return "".join("".join(pieces) for _, pieces in layout.parts())


@pytest.mark.parametrize(("content", "settings"), [("old text\n", {}), ("old\ttext\n", {"task": "classify"})])
def test_a_text_too_long_to_be_kept_is_told_to_have_changed_and_another_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, settings: dict[str, str]
) -> None:
    path = tmp_path / "notes.txt"
    path.write_text(content)
    settings["split"] = "100/0/0"
    assert read_again(surveyed(path, **settings), path) == content
    path.write_text(content)
    monkeypatch.setattr(survey_module, "KeptSource", lambda source: KeptSource(source, most_bytes=0))
    with pytest.raises(DataError, match="'notes' changed while it was read"):
        read_again(surveyed(path, **settings), path)
