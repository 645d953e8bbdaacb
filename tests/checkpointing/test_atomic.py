from pathlib import Path

import pytest

from charlm.checkpointing.atomic import write_atomically
from charlm.errors import CheckpointError


def test_a_write_that_fails_is_one_sentence(tmp_path: Path):
    with pytest.raises(CheckpointError, match=r"^Cannot write '.*none/file': No such file .* is kept\.$"):
        write_atomically(tmp_path / "none" / "file", b"new")
