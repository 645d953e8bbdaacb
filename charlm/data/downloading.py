"""Fetches a text of the catalogue: downloaded, verified, unpacked, and never half there."""

import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from charlm.data.raw import BLOCK_BYTES
from charlm.errors import DataError
from charlm.files.errors import os_errors_as
from charlm.files.folders import scratch_folder
from charlm.files.reading import file_sha256
from charlm.files.writing import create_synced, sync

if TYPE_CHECKING:
    from requests.exceptions import RequestException

_TIMEOUT_SECONDS = 30
_BLOCK_BYTES = 1 << 16


@dataclass(frozen=True)
class RemoteText:
    """A text, and the download that it is made of.

    Attributes:
        size_bytes, sha256: of the text; those of the download have its name.
        member: where in the zip archive the text is; None if the download is no archive.
        strip_lines: whether white space is removed from both ends of each line.
    """

    name: str
    size_bytes: int
    sha256: str
    url: str
    download_bytes: int
    download_sha256: str
    member: str | None = None
    strip_lines: bool = False

    @property
    def download_name(self) -> str:
        """The file name of the download."""
        return self.url.rpartition("/")[2]


def fetch_text(text: RemoteText, *, folder: Path, progress: Callable[[int], None]) -> None:
    """Puts the text into the folder, unless it is there and intact.

    A download that somebody put there by hand is used without asking the network.

    Raises:
        DataError: it could not be fetched, written, or is not what it should be; no half file is left.
    """
    target = folder / text.name
    with os_errors_as(DataError, f"Cannot write '{target}'", remedy="Free some space, or choose another folder."):
        if _is_intact(target, text.size_bytes, text.sha256):
            progress(text.download_bytes)
            return
        with scratch_folder(folder) as scratch:
            download = folder / text.download_name
            if _is_intact(download, text.download_bytes, text.download_sha256):
                progress(text.download_bytes)
            else:
                download = scratch / text.download_name
                _download(text, download, progress)
            _write_verified(_contents(download, text), target, text, scratch=scratch)
            download.unlink()


def _download(text: RemoteText, target: Path, progress: Callable[[int], None]) -> None:
    import requests  # late: it takes a while to import

    wanted, place = f"'{text.download_name}' ({text.download_bytes:,} bytes)", target.parent.parent
    by_hand = f"or put {wanted} from elsewhere into '{place}' and fetch again."
    try:
        with requests.get(text.url, stream=True, timeout=_TIMEOUT_SECONDS) as response, target.open("wb") as file:
            response.raise_for_status()
            for block in response.iter_content(_BLOCK_BYTES):
                file.write(block)
                progress(len(block))
                if file.tell() > text.download_bytes:
                    break  # It cannot be the right one any more, and might never end.
    except requests.RequestException as error:
        raise DataError(f"Could not fetch '{text.url}' ({_reason(error)}); check the connection, {by_hand}") from None
    if not _is_intact(target, text.download_bytes, text.download_sha256):
        raise DataError(
            f"What '{text.url}' sends is not the '{text.download_name}' it should be (its SHA-256 differs), and was "
            f"not kept; try again later, {by_hand}"
        )


def _reason(error: "RequestException") -> str:
    """Returns why a request failed, without the chain of library internals."""
    import requests.exceptions

    if error.response is not None:
        return f"HTTP {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.exceptions.Timeout) or "Read timed out" in str(error):
        return f"nothing came for {_TIMEOUT_SECONDS} seconds"
    if isinstance(error, requests.exceptions.ConnectionError):
        return "no connection"
    return "the transfer broke off"


def _contents(download: Path, text: RemoteText) -> Iterator[bytes]:
    if text.member is not None:
        with zipfile.ZipFile(download) as archive, archive.open(text.member) as member:
            yield from iter(partial(member.read, BLOCK_BYTES), b"")
        return
    with download.open("rb") as stream:
        if text.strip_lines:
            yield from (line.strip() + b"\n" for line in stream)
        else:
            yield from iter(partial(stream.read, BLOCK_BYTES), b"")


def _write_verified(blocks: Iterator[bytes], target: Path, text: RemoteText, *, scratch: Path) -> None:
    # Not the name of the text, which the download may have, too.
    written = scratch / "text"
    with create_synced(written) as stream:
        for block in blocks:
            stream.write(block)
            if stream.tell() > text.size_bytes:
                break
    if not _is_intact(written, text.size_bytes, text.sha256):
        raise DataError(
            f"The text inside '{text.download_name}' is not the '{text.name}' it should be, and was not kept; "
            "please report this."
        )
    written.replace(target)
    sync(target.parent)


def _is_intact(path: Path, size: int, sha256: str) -> bool:
    return path.is_file() and path.stat().st_size == size and file_sha256(path) == sha256
