import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

# Before torch is imported: with several threads, small steps beside any other busy process take a hundred times as
# long, and which bits come out depends on how many there are.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# The same examples on every run and machine, and no clock: a slow machine is no failure.
settings.register_profile("charlm", deadline=None, derandomize=True, max_examples=60, database=None)
settings.load_profile("charlm")


@pytest.fixture(scope="session", autouse=True)
def bfloat16_as_onednn_has_it() -> Iterator[None]:
    """Lets `--precision auto` choose as on the processor that ONEDNN_MAX_CPU_ISA makes of this one.

    torch asks the processor whether it has bfloat16, not oneDNN, and an LSTM in it then fails.
    """
    if "ONEDNN_MAX_CPU_ISA" not in os.environ:
        yield
        return
    import torch

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.cpu, "_is_avx512_bf16_supported", torch.ops.mkldnn._is_mkldnn_bf16_supported)
        yield
