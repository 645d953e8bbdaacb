from pathlib import Path

from charlm.files.temporary import remove_leftovers


def test_leftovers_of_killed_writers_are_removed(tmp_path: Path):
    (tmp_path / ".tmp-last.safetensors-0a1b2c3d").touch()
    (tmp_path / "last.safetensors").touch()
    remove_leftovers(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["last.safetensors"]
