"""JSON and TOML that others may have written: refused where it would overload the parser or its caller."""

import tomllib
from collections.abc import Iterable
from typing import Any

from pydantic_core import from_json

from charlm.files.errors import UntrustedFileError

_MOST_PARTS = 200_000
"""The most values in a JSON text, far more than any file of charlm has."""

_DEEPEST = 50
"""The deepest nesting; values that are nested deeper can overflow the stack of libraries."""


def parse_json(content: bytes) -> Any:
    """Returns the value of a JSON text.

    Raises:
        UntrustedFileError: it is not JSON, is nested too deeply, or has more parts than any file of charlm.
    """
    # Not the size of the text is bounded: a few bytes can become an object of hundreds.
    if sum(content.count(separator) for separator in (b",", b"[", b"{")) > _MOST_PARTS:
        raise UntrustedFileError(f"has more than {_MOST_PARTS:,} parts")
    try:
        # Twice as fast as Python's own parser.
        value = from_json(content)
    except ValueError as error:
        raise UntrustedFileError(f"is not JSON ({error})") from None
    _require_shallow(value)
    return value


def parse_toml(content: bytes) -> dict[str, Any]:
    """Returns the table of a TOML text; other text, or one nested too deeply, is an UntrustedFileError."""
    # A key with dots makes a table for each of them, and the parser is slow at it.
    if any(line.count(b".") > 1000 for line in content.splitlines()):
        raise UntrustedFileError("is not TOML (a line has more than 1,000 dots)")
    try:
        table = tomllib.loads(content.decode())
    except UnicodeDecodeError:
        raise UntrustedFileError("is not UTF-8 text") from None
    except (ValueError, RecursionError) as error:
        raise UntrustedFileError(f"is not TOML ({error})") from None
    _require_shallow(table)
    return table


def _require_shallow(value: Any) -> None:
    level = [value]
    for _ in range(_DEEPEST):
        # By type, not by isinstance, which takes three times as long; a checkpoint's header has hundreds of values.
        level = [inner for each in level for inner in _parts(each) if type(inner) in _NESTED]
        if not level:
            return
    raise UntrustedFileError(f"is nested more than {_DEEPEST} deep")


_NESTED = (dict, list)


def _parts(value: Any) -> Iterable[Any]:
    return value.values() if type(value) is dict else value if type(value) is list else ()
