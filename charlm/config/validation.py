"""From values that somebody wrote to a checked section; what is refused becomes one sentence."""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from charlm.config.section import Section
from charlm.errors import ConfigError
from charlm.notation import nearest, quoted, shortened

_SomeSection = TypeVar("_SomeSection", bound=Section)
Name = Callable[[tuple[str, ...]], str]
"""Turns the path of a setting, such as ('model', 'hidden_size'), into the name its user knows it by."""


def validate(
    section: type[_SomeSection], values: Mapping[str, Any], *, source: str | None = None, name: Name = ".".join
) -> _SomeSection:
    """Returns the section made of `values`.

    Args:
        source: where the values are from, when the names of the settings do not tell.

    Raises:
        ConfigError: a value is unknown or out of range; one sentence says which, and why.
    """
    try:
        return section.model_validate(values)
    except ValidationError as error:
        sentence = _sentence(error.errors(include_url=False)[0], section, name)
        raise ConfigError(sentence if source is None else f"{source}: {sentence}") from None


def _sentence(error: ErrorDetails, section: type[Section], name: Name) -> str:
    where = tuple(shortened(part) for part in error["loc"] if isinstance(part, str))
    if error["type"] == "extra_forbidden":
        fields = _fields(section, where[:-1])
        # A setting without its section, as in a file that has no [model] above hidden_size.
        within = (f"{each}.{where[-1]}" for each in fields if where[-1] in _fields(section, (*where[:-1], each)))
        near = next(within, None) or nearest(where[-1], fields)
        return f"{name(where)} is not a setting charlm knows{f'; did you mean {near}?' if near else '.'}"
    if error["type"] == "value_error":
        problem, fields = str(error["ctx"]["error"]), _fields(section, where)
        return f"{_rename(problem, fields, where, name)}." if fields else f"{name(where)}: {problem}."
    if error["type"] == "model_type":
        return f"{name(where)} is {quoted(error['input'])}; it should be a section: a table of settings."
    problem = error["msg"].partition(", unable")[0].replace("tuple", "list")
    problem = problem.replace("Input should", "it should").replace("Tuple should", "it should")
    return f"{name(where)} is {quoted(error['input'])}; {problem[0].lower()}{problem[1:]}."


def _fields(section: type[Section], where: tuple[str, ...]) -> Collection[str]:
    """Returns the fields of the section at `where`; none when it is a setting of its own."""
    current: Any = section
    for part in where:
        current = current.model_fields[part].annotation
        if not (isinstance(current, type) and issubclass(current, Section)):
            return ()
    return tuple(current.model_fields)


def _rename(problem: str, fields: Collection[str], where: tuple[str, ...], name: Name) -> str:
    """Returns a sentence about several fields with each called by the name its user knows."""
    pattern = re.compile(rf"\b({'|'.join(fields)})\b")
    return pattern.sub(lambda match: name((*where, match[1])), problem)
