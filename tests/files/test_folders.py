from pathlib import Path

import pytest

from charlm.files.folders import replace_folder


def test_a_folder_takes_the_place_of_whatever_was_there(tmp_path: Path):
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "old").touch()
    for name in ("file", "folder", "none"):
        with replace_folder(tmp_path / name) as temporary:
            (temporary / "new").touch()
        assert [path.name for path in (tmp_path / name).iterdir()] == ["new"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder", "none"]


def test_a_block_that_fails_leaves_what_was_there(tmp_path: Path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "old").touch()
    with pytest.raises(KeyboardInterrupt), replace_folder(tmp_path / "folder") as temporary:
        (temporary / "new").touch()
        raise KeyboardInterrupt
    assert list(tmp_path.rglob("*")) == [tmp_path / "folder", tmp_path / "folder" / "old"]
