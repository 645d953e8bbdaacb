"""Imports that last as long as the process, kept out of the garbage collector's way."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def lasting_imports() -> Iterator[None]:
    """Imports inside the block are faster, and so is the end of the process.

    torch brings 160,000 containers that live until the process ends. While they come, the collector would go
    through them again and again for garbage that is not there, and once more at exit: a third of a second
    (docs/experiments.md). Whatever else exists at the end of the block is never collected either.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()
