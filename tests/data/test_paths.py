import gzip
import os
from pathlib import Path

import pytest

from charlm.data.paths import find_files, is_pipe, path_exists, text_name
from charlm.errors import DataError


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("b.txt", "a/z.txt", "a/y.txt.gz", "a/note.md", "a.txt", ".hidden.txt", ".git/x.txt", "c/d/e.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(b"x") if name.endswith(".gz") else b"x")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(spec: str, pattern: str = "*.txt") -> list[str]:
    return [path.as_posix() for path in find_files(spec, pattern=pattern)]


@pytest.mark.usefixtures("shelf")
class TestShelf:
    def test_a_folder_is_read_recursively_by_path_without_hidden_files(self) -> None:
        assert names(".") == ["a/y.txt.gz", "a/z.txt", "a.txt", "b.txt", "c/d/e.txt"]

    def test_a_pattern_chooses_files_of_a_folder(self) -> None:
        assert names("a", "*.md") == ["a/note.md"]
        assert names("a", "*.gz") == ["a/y.txt.gz"]

    def test_a_file_is_taken_whatever_the_pattern(self) -> None:
        assert names("a/note.md") == ["a/note.md"]

    def test_globs_are_expanded_in_order(self) -> None:
        assert names("*.txt") == ["a.txt", "b.txt"]
        assert names("**/*.txt") == ["a/z.txt", "a.txt", "b.txt", "c/d/e.txt"]
        assert names("c/**") == ["c/d/e.txt"]

    def test_a_file_whose_name_looks_like_a_glob_is_that_file(self) -> None:
        Path("[x].txt").write_text("x")
        assert names("[x].txt") == ["[x].txt"]

    def test_a_link_to_nowhere_is_not_passed_over(self) -> None:
        Path("c/lost.txt").symlink_to("nowhere")
        assert "c/lost.txt" in names("c")

    def test_a_folder_without_a_match_is_refused(self) -> None:
        with pytest.raises(DataError, match=r"The folder 'a' has no file that matches '\*.csv'; .* --pattern"):
            names("a", "*.csv")

    def test_a_glob_without_a_match_is_refused(self) -> None:
        with pytest.raises(DataError, match=r"No file matches '\*.csv'"):
            names("*.csv")

    @pytest.mark.parametrize(("missing", "meant"), [("bb.txt", "b.txt"), ("c/d/ee.txt", "c/d/e.txt")])
    def test_a_missing_file_is_refused_with_its_nearest_neighbour(self, missing: str, meant: str) -> None:
        with pytest.raises(DataError, match=rf"No file, folder or known corpus '{missing}'; did you mean '{meant}'?"):
            names(missing)

    def test_a_long_path_alone_makes_no_neighbour(self) -> None:
        with pytest.raises(DataError, match="'charlm data list' shows"):
            names("c/d/diary.txt")

    def test_a_missing_name_may_be_near_a_known_one(self) -> None:
        with pytest.raises(DataError, match=r"did you mean 'enwik8'?"):
            find_files("enwiki8", pattern="*", known=("enwik8",))

    @pytest.mark.parametrize("missing", ["zzzzzzzz", "", "a\0b", "b.txt/c"])
    def test_what_cannot_be_a_path_is_missing(self, missing: str) -> None:
        assert not path_exists(missing)
        with pytest.raises(DataError, match=r"No file, folder or known corpus"):
            names(missing)

    def test_a_path_too_long_for_the_system_is_one_sentence(self) -> None:
        with pytest.raises(DataError, match=r"cannot be read: File name too long"):
            names("x" * 5000)

    def test_an_unreadable_folder_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def forbidden(path: str) -> None:
            raise PermissionError(13, "Permission denied", path)

        # Tests may run as root, whom no permission stops.
        monkeypatch.setattr(os, "scandir", forbidden)
        with pytest.raises(DataError, match=r"The folder 'a' cannot be read: Permission denied"):
            names("a")


def test_a_pipe_is_told_from_a_file_and_a_device(tmp_path: Path) -> None:
    pipe, file = tmp_path / "pipe", tmp_path / "file"
    os.mkfifo(pipe)
    file.touch()
    assert is_pipe(pipe)
    assert not is_pipe(file)
    with pytest.raises(DataError, match=r"is a device or socket"):
        is_pipe(Path("/dev/null"))


@pytest.mark.parametrize(
    ("path", "name"), [("x/war.txt", "war"), ("war.txt.gz", "war"), ("war.and.peace.txt", "war.and.peace"), ("a", "a")]
)
def test_the_name_of_a_text_tells_no_format(path: str, name: str) -> None:
    assert text_name(Path(path)) == name
