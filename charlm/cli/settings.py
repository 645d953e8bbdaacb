"""Settings from the command line and from a file, checked; a flag overrides the file, and the file the default."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from charlm.cli.options import flag
from charlm.config import Request, RunConfig, Section, by_section, make_request, validate
from charlm.errors import CharlmError, ConfigError
from charlm.files.errors import UntrustedFileError

EXCLUSIVE = (
    frozenset({"steps", "epochs", "budget"}),
    frozenset({"split", "valid"}),
    frozenset({"split", "test"}),
    frozenset({"clip_norm", "clip_value"}),
    frozenset({"average", "average_after"}),
)
"""Settings that exclude one another: a flag for one overrides the file's value of the others."""

_NO_TEXT = (
    "There is no text to train on: give one, as in 'charlm train my.txt', or try 'charlm train builtin:python-docs'."
)

_SomeSection = TypeVar("_SomeSection", bound=Section)


def read_config_file(path: Path, *, option: str = "--config") -> dict[str, Any]:
    """Returns the settings in a TOML file that an option names, section by section, unchecked.

    Raises a CharlmError if it cannot be read, and a ConfigError if it is no TOML.
    """
    from charlm.files.parsing import parse_toml

    try:
        return parse_toml(path.read_bytes())
    except OSError as error:
        raise CharlmError(f"{option} '{path}' cannot be read: {error.strerror}.") from None
    except UntrustedFileError as error:
        raise ConfigError(f"{option} '{path}' {error}.") from None


def run_request(*, text: tuple[str, ...], flags: Mapping[str, Any], file: Path | None) -> Request:
    """Returns the request for a run: its configuration, and the settings that were given.

    Args:
        text: the values of TEXT; empty for none.
        flags: the settings on the command line, by field name.
        file: a TOML file with the sections of `RunConfig`.

    Raises:
        ConfigError: there is no text, or a setting is refused; the message names the flag, or the file and key.
    """
    stored = read_config_file(file) if file else {}
    data = stored.get("data", {})
    typed = by_section(flags)
    if text:
        typed["data"]["corpus"] = text
    elif isinstance(data, dict) and "corpus" not in data:
        raise ConfigError(_NO_TEXT)
    if file:
        complete = stored | {"data": {"corpus": text} | data} if isinstance(data, dict) else stored
        make_request(complete, source=f"'{file}'")

    def name(where: tuple[str, ...]) -> str:
        *sections, key = where
        in_file = all(isinstance(stored.get(section), dict) and key in stored[section] for section in sections)
        return ".".join(where) if file and in_file and key not in flags else _flag(where)

    return make_request(_overlay(stored, typed), name=name)


def shared_config(*, text: tuple[str, ...], flags: Mapping[str, Any]) -> RunConfig:
    """Returns the configuration of models of several kinds; a setting may have no effect on some of them.

    Raises:
        ConfigError: a setting is refused; the message names the flag.
    """
    if not text:
        raise ConfigError(_NO_TEXT)
    typed = by_section(flags)
    typed["data"]["corpus"] = text
    return validate(RunConfig, typed, name=_flag)


def section_config(section: type[_SomeSection], flags: Mapping[str, Any]) -> _SomeSection:
    """Returns one section of the configuration, from the flags on the command line; errors as in `run_request`."""
    known = {key: value for key, value in flags.items() if key in section.model_fields}
    return validate(section, known, name=_flag)


def _flag(where: tuple[str, ...]) -> str:
    return "TEXT" if where[-1] == "corpus" else flag(where[-1])


def _overlay(stored: Mapping[str, Any], typed: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    merged = dict(stored)
    for section, given in typed.items():
        replaced = {key for group in EXCLUSIVE if group & given.keys() for key in group}
        kept = {key: value for key, value in merged.get(section, {}).items() if key not in replaced}
        merged[section] = kept | dict(given)
    return merged
