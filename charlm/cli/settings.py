"""Flag over file over default: what was typed and what the file says become one checked configuration."""

import difflib
import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from charlm.cli.options import flag
from charlm.config import RunConfig, Section
from charlm.errors import ConfigError
from charlm.files.errors import UntrustedFileError
from charlm.files.parsing import parse_toml

EXCLUSIVE = (
    frozenset({"steps", "epochs", "budget"}),
    frozenset({"split", "valid"}),
    frozenset({"split", "test"}),
    frozenset({"clip_norm", "clip_value"}),
)
"""Settings that replace one another: a flag for one sets aside what the file says of the others."""

_SomeSection = TypeVar("_SomeSection", bound=Section)
_Name = Callable[[tuple[str, ...]], str]


def read_config_file(path: Path) -> dict[str, Any]:
    """Returns the settings in a TOML file, section by section, unchecked.

    Raises:
        ConfigError: it cannot be read or is not TOML.
    """
    try:
        return parse_toml(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"--config '{path}' cannot be read: {error.strerror}.") from None
    except UntrustedFileError as error:
        raise ConfigError(f"--config '{path}' {error}.") from None


def run_config(*, text: tuple[str, ...], flags: Mapping[str, Any], file: Path | None) -> RunConfig:
    """Returns the configuration of a run.

    Args:
        text: what was given as TEXT; empty for none.
        flags: the settings that were typed, by field name.
        file: a TOML file with the sections of `RunConfig`.

    Raises:
        ConfigError: there is no text, or a setting is refused; the sentence names the flag, or the file and key.
    """
    stored = read_config_file(file) if file else {}
    data = stored.get("data", {})
    typed: dict[str, dict[str, Any]] = {}
    for section, settings in RunConfig.model_fields.items():
        assert isinstance(settings.annotation, type) and issubclass(settings.annotation, Section)
        typed[section] = {key: value for key, value in flags.items() if key in settings.annotation.model_fields}
    if text:
        typed["data"]["corpus"] = text
    elif isinstance(data, dict) and "corpus" not in data:
        raise ConfigError(
            "There is no text to train on: give one, as in 'charlm train my.txt', "
            "or try 'charlm train builtin:python-docs'."
        )
    if file:
        complete = stored | {"data": {"corpus": text} | data} if isinstance(data, dict) else stored
        check(RunConfig, complete, name=".".join, source=f"'{file}': ")

    def name(where: tuple[str, ...]) -> str:
        *sections, key = where
        in_file = all(isinstance(stored.get(section), dict) and key in stored[section] for section in sections)
        return ".".join(where) if file and in_file and key not in flags else _flag(where)

    return check(RunConfig, _overlay(stored, typed), name=name)


def section_config(section: type[_SomeSection], flags: Mapping[str, Any]) -> _SomeSection:
    """Returns one section made of what was typed.

    Raises:
        ConfigError: a value is refused; the sentence names the flag.
    """
    known = {key: value for key, value in flags.items() if key in section.model_fields}
    return check(section, known, name=_flag)


def check(section: type[_SomeSection], values: Mapping[str, Any], *, name: _Name, source: str = "") -> _SomeSection:
    """Returns the section made of `values`.

    Args:
        section: the configuration class.
        values: its settings.
        name: turns the path of a setting into the name its user knows it by.
        source: what the sentence begins with: where the values are from, when the names do not tell.

    Raises:
        ConfigError: a value is refused; one sentence says which, and why.
    """
    try:
        return section.model_validate(values)
    except ValidationError as error:
        raise ConfigError(source + _sentence(error.errors(include_url=False)[0], section, name)) from None


def _flag(where: tuple[str, ...]) -> str:
    return "TEXT" if where[-1] == "corpus" else flag(where[-1])


def _overlay(stored: Mapping[str, Any], typed: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    merged = dict(stored)
    for section, given in typed.items():
        replaced = {key for group in EXCLUSIVE if group & given.keys() for key in group}
        kept = {key: value for key, value in merged.get(section, {}).items() if key not in replaced}
        merged[section] = kept | dict(given)
    return merged


def _sentence(error: ErrorDetails, section: type[Section], name: _Name) -> str:
    where = tuple(part for part in error["loc"] if isinstance(part, str))
    if error["type"] == "extra_forbidden":
        fields, found = _fields(section, where[:-1]), where[-1]
        near = difflib.get_close_matches(found, fields, n=1)
        return f"{name(where)} is not a setting charlm knows{f'; did you mean {near[0]}?' if near else '.'}"
    if error["type"] == "value_error":
        problem = str(error["ctx"]["error"])
        fields = _fields(section, where)
        if not fields:
            return f"{name(where)}: {problem}."
        return f"{_rename(problem, fields, where, name)}."
    if error["type"] == "model_type":
        return f"{name(where)} is {error['input']!r}; it should be a section: a table of settings."
    problem = error["msg"].partition(", unable")[0].replace("Input should", "it should").replace("tuple", "list")
    if error["type"] == "string_pattern_mismatch":
        problem = f"it should match {error['ctx']['pattern']}"
    return f"{name(where)} is {error['input']!r}; {problem[0].lower()}{problem[1:]}."


def _fields(section: type[Section], where: tuple[str, ...]) -> Collection[str]:
    """Returns the fields of the section at `where`; none when it is a setting of its own."""
    current: Any = section
    for part in where:
        current = current.model_fields[part].annotation
        if not (isinstance(current, type) and issubclass(current, Section)):
            return ()
    return tuple(current.model_fields)


def _rename(problem: str, fields: Collection[str], where: tuple[str, ...], name: _Name) -> str:
    """Returns a sentence about several fields with each called by the name its user knows."""
    pattern = re.compile(rf"\b({'|'.join(fields)})\b")
    return pattern.sub(lambda match: name((*where, match[1])), problem)
