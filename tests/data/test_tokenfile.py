import os
import sys
from pathlib import Path

import numpy as np
import pytest

from charlm.data.tokenfile import TokenFile


def test_a_token_file_reads_stretches_as_copies(tmp_path):
    symbols = np.arange(1000, dtype="<u2")
    (tmp_path / "train.bin").write_bytes(symbols.tobytes())
    with (tmp_path / "train.bin").open("rb") as file:
        tokens = TokenFile.map(file, symbols.dtype)
    assert len(tokens) == 1000
    read = tokens.read(990, 2000)
    assert read.dtype == symbols.dtype
    assert read.tolist() == list(range(990, 1000))
    read[0] = 7
    assert tokens.read(990, 991).tolist() == [990]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_reading_through_a_file_keeps_little_of_it_in_memory(tmp_path):
    num_symbols = 100 << 20
    with (tmp_path / "train.bin").open("wb") as file:
        file.truncate(num_symbols)
    with (tmp_path / "train.bin").open("rb") as file:
        tokens = TokenFile.map(file, np.dtype(np.uint8))

    def resident_bytes():
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    before = resident_bytes()
    most = 0
    for start in range(0, num_symbols, 1 << 20):
        tokens.read(start, start + (1 << 20))
        most = max(most, resident_bytes() - before)
    assert most < 48 << 20
