"""Faster imports."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def fast_imports() -> Iterator[None]:
    """Pauses garbage collection during imports, and excludes the imported objects from it for good.

    torch creates 160,000 objects that live until the process ends. Garbage collection would visit all of them
    again and again during the import, and once more at exit: a third of a second (docs/experiments.md). All
    other objects that exist at the end of the block are never collected either.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()
