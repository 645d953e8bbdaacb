"""The C library's memory allocator, set to reuse the memory of earlier steps."""

import ctypes
import sys

_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_KEPT_BYTES = 1 << 30


def keep_freed_memory() -> None:
    """Sets glibc to keep freed memory instead of returning it to the system between steps.

    Every step frees and allocates the same megabytes. By default, glibc returns blocks of that size to the system,
    which clears every page again: a tenth to a fifth of a small model's step (docs/experiments.md). Other C
    libraries are not changed.
    """
    if not sys.platform.startswith("linux"):
        return
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is not None:
        set_option(_M_MMAP_THRESHOLD, _KEPT_BYTES)
        set_option(_M_TRIM_THRESHOLD, _KEPT_BYTES)
