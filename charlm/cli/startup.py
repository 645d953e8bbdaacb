"""Faster imports."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType


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


def load_pydantic() -> None:
    """Imports pydantic without `importlib.metadata`, with which it looks for plugins where the environment allows them.

    To import it takes a tenth of a short command's time, which pydantic does also where no plugin is looked for
    (docs/experiments.md). To be removed when pydantic imports it where it is used.
    """
    if "importlib.metadata" in sys.modules:
        return
    stand_in = ModuleType("importlib.metadata")
    stand_in.entry_points = _entry_points  # type: ignore[attr-defined]
    sys.modules["importlib.metadata"] = stand_in
    try:
        import pydantic.plugin._loader  # noqa: F401
    finally:
        del sys.modules["importlib.metadata"]


def _entry_points(**selection: str) -> object:
    from importlib.metadata import entry_points

    return entry_points(**selection)
