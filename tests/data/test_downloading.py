import gc
import hashlib
import io
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from charlm.data.downloading import RemoteText, fetch_text
from charlm.errors import DataError

MakeRemote = Callable[..., RemoteText]
TEXT = b"To be, or not to be.\n" * 9000


def zipped(member: str, text: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(member, text)
    return stream.getvalue()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def ignore(_: int) -> None:
    pass


def test_a_plain_text_is_fetched_and_each_byte_is_told_once(remote: MakeRemote, tmp_path: Path) -> None:
    told: list[int] = []
    text = remote("play.txt", TEXT, TEXT)
    fetch_text(text, folder=tmp_path / "new" / "place", progress=told.append)
    assert (tmp_path / "new" / "place" / "play.txt").read_bytes() == TEXT
    assert names(tmp_path / "new" / "place") == ["play.txt"]
    assert sum(told) == len(TEXT)


def test_the_text_has_the_permissions_of_any_new_file(remote: MakeRemote, tmp_path: Path) -> None:
    fetch_text(remote("play.txt", TEXT, TEXT), folder=tmp_path, progress=ignore)
    other = tmp_path / "other"
    other.touch()
    assert (tmp_path / "play.txt").stat().st_mode == other.stat().st_mode


def test_a_member_of_an_archive_is_taken_out_and_the_archive_removed(remote: MakeRemote, tmp_path: Path) -> None:
    fetch_text(remote("play", zipped("dir/play", TEXT), TEXT, member="dir/play"), folder=tmp_path, progress=ignore)
    assert (tmp_path / "play").read_bytes() == TEXT
    assert names(tmp_path) == ["play"]


def test_lines_lose_the_white_space_at_their_ends(remote: MakeRemote, tmp_path: Path) -> None:
    text = remote("ptb.txt", b" no it was n't \n a  b \n", b"no it was n't\na  b\n", strip_lines=True)
    fetch_text(text, folder=tmp_path, progress=ignore)
    assert (tmp_path / "ptb.txt").read_bytes() == b"no it was n't\na  b\n"


def test_what_is_there_and_intact_is_not_fetched_again(remote: MakeRemote, server: Any, tmp_path: Path) -> None:
    text = remote("play.txt", TEXT, TEXT)
    told: list[int] = []
    fetch_text(text, folder=tmp_path, progress=ignore)
    fetch_text(text, folder=tmp_path, progress=told.append)
    assert len(server.asked) == 1
    assert sum(told) == len(TEXT)


def test_a_damaged_text_is_fetched_again(remote: MakeRemote, tmp_path: Path) -> None:
    text = remote("play.txt", TEXT, TEXT)
    (tmp_path / "play.txt").write_bytes(TEXT[:-1] + b"!")
    fetch_text(text, folder=tmp_path, progress=ignore)
    assert (tmp_path / "play.txt").read_bytes() == TEXT


def test_a_download_put_there_by_hand_is_used_without_the_network(
    remote: MakeRemote, server: Any, tmp_path: Path
) -> None:
    archive = zipped("play", TEXT)
    (tmp_path / "data.bin").write_bytes(archive)
    fetch_text(remote("play", archive, TEXT, member="play"), folder=tmp_path, progress=ignore)
    assert (tmp_path / "play").read_bytes() == TEXT
    assert server.asked == []


def test_other_bytes_than_expected_are_refused_and_not_kept(remote: MakeRemote, server: Any, tmp_path: Path) -> None:
    text = remote("play.txt", TEXT, TEXT)
    server.files["data.bin"] = TEXT[:-1] + b"!"
    with pytest.raises(
        DataError, match=r"is not the 'data.bin' it should be \(its SHA-256 differs\), and was not kept"
    ):
        fetch_text(text, folder=tmp_path, progress=ignore)
    assert names(tmp_path) == []


def test_a_transfer_that_breaks_off_leaves_nothing(remote: MakeRemote, server: Any, tmp_path: Path) -> None:
    text = remote("play.txt", TEXT, TEXT)
    server.files["data.bin"], server.lengths["data.bin"] = TEXT[:1000], len(TEXT)
    with pytest.raises(DataError, match=r"Could not fetch 'http.*' \(the transfer broke off\)"):
        fetch_text(text, folder=tmp_path, progress=ignore)
    assert names(tmp_path) == []


# Pooch leaves the connection open then; the process ends anyway.
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_an_interrupt_leaves_nothing(remote: MakeRemote, tmp_path: Path) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch_text(remote("play.txt", TEXT, TEXT), folder=tmp_path, progress=interrupt)
    gc.collect()
    assert names(tmp_path) == []


def test_an_address_that_is_gone_is_told_with_what_to_do_by_hand(
    remote: MakeRemote, server: Any, tmp_path: Path
) -> None:
    text = remote("play.txt", TEXT, TEXT)
    server.files.clear()
    with pytest.raises(DataError) as caught:
        fetch_text(text, folder=tmp_path, progress=ignore)
    assert str(caught.value) == (
        f"Could not fetch '{text.url}' (HTTP 404 Not Found); check the connection, or put 'data.bin' (189,000 bytes) "
        f"from elsewhere into '{tmp_path}' and fetch again."
    )


def test_without_a_connection_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    # Port 9 (discard) on loopback: nobody listens.
    text = RemoteText("t", 1, "0" * 64, "http://127.0.0.1:9/t.zip", 1, "0" * 64)
    with pytest.raises(DataError, match=r"Could not fetch 'http://127.0.0.1:9/t.zip' \(no connection\)"):
        fetch_text(text, folder=tmp_path, progress=ignore)


@pytest.mark.parametrize("inside", [TEXT + b"more", TEXT[:-1], TEXT[:-1] + b"!"])
def test_another_text_in_the_archive_is_refused_and_not_kept(remote: MakeRemote, tmp_path: Path, inside: bytes) -> None:
    with pytest.raises(DataError, match=r"The text inside 'data.bin' is not the 'play' it should be"):
        fetch_text(remote("play", zipped("play", inside), TEXT, member="play"), folder=tmp_path, progress=ignore)
    assert names(tmp_path) == []


def test_an_archive_is_not_unpacked_beyond_the_known_size(remote: MakeRemote, tmp_path: Path) -> None:
    bomb = zipped("play", bytes(50_000_000))
    text = replace(remote("play", bomb, TEXT, member="play"), sha256=hashlib.sha256(bytes(50_000_000)).hexdigest())
    with pytest.raises(DataError, match=r"is not the 'play' it should be"):
        fetch_text(text, folder=tmp_path, progress=ignore)


def test_a_folder_that_cannot_be_made_is_one_sentence(remote: MakeRemote, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"Cannot write '.*file.*': .* Free some space, or choose"):
        fetch_text(remote("play.txt", TEXT, TEXT), folder=tmp_path / "file" / "x", progress=ignore)


def test_fetching_prints_nothing(remote: MakeRemote, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    fetch_text(remote("play.txt", TEXT, TEXT), folder=tmp_path, progress=ignore)
    assert capfd.readouterr() == ("", "")


def test_a_download_that_is_too_long_is_broken_off(remote: MakeRemote, tmp_path: Path) -> None:
    long = b"To be, or not to be.\n" * 90_000
    received: list[int] = []
    text = replace(remote("play.txt", long, long), download_bytes=1000)
    with pytest.raises(DataError, match=r"is not the 'data.bin' it should be"):
        fetch_text(text, folder=tmp_path / "place", progress=received.append)
    assert 1000 < sum(received) <= 1000 + (1 << 16)
    assert names(tmp_path / "place") == []
