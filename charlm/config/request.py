"""What somebody asked of a run: its checked configuration, and which of its settings were chosen."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from charlm.config.run import RunConfig
from charlm.config.section import Only, Section
from charlm.config.validation import Name, validate
from charlm.errors import ConfigError
from charlm.notation import either


@dataclass(frozen=True)
class Request:
    """A configuration, and what of it was asked for.

    Attributes:
        asked: the names of the settings that an option, a file or an argument gave; the others have their defaults.
            No two sections of a run have settings of the same name.
    """

    config: RunConfig
    asked: frozenset[str] = frozenset()

    def with_config(self, config: RunConfig) -> "Request":
        """Returns the request for another configuration, with the same settings asked for."""
        return replace(self, config=config)


def make_request(
    values: Mapping[str, Mapping[str, Any]], *, source: str | None = None, name: Name = ".".join
) -> Request:
    """Returns the request that `values`, section by section, stand for.

    Raises:
        ConfigError: a value is unknown or out of range, or has no effect on the model that is asked for.
    """
    # One section alone first: until a value is refused, the others need not be made ready, which takes as long as to
    # refuse it. The text comes last, as it is nearly always right.
    kinds = sections()
    for section in sorted(kinds, key=lambda section: section == "data"):
        if isinstance(values.get(section), Mapping):
            validate(kinds[section], values[section], source=source, name=partial(_within, section, name))
    request = Request(validate(RunConfig, values, source=source, name=name), asked_in(values))
    suited = partial(require_suited, asked=request.asked, source=source)
    suited(request.config.data, name=lambda where: name(("data", *where)))
    suited(request.config.model, name=lambda where: name(("model", *where)))
    return request


def _within(section: str, name: Name, where: tuple[str, ...]) -> str:
    return name((section, *where))


def asked_in(values: Mapping[str, Mapping[str, Any]]) -> frozenset[str]:
    """Returns the names of the settings that `values`, section by section, hold."""
    return frozenset(key for settings in values.values() for key in settings)


def sections() -> dict[str, type[Section]]:
    """Returns the sections of a run's configuration by their names."""
    found = {name: field.annotation for name, field in RunConfig.model_fields.items()}
    return {name: kind for name, kind in found.items() if isinstance(kind, type) and issubclass(kind, Section)}


def by_section(settings: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Returns settings given by name alone, each in its section; a name that no section has is left out."""
    return {
        name: {key: value for key, value in settings.items() if key in kind.model_fields}
        for name, kind in sections().items()
    }


def with_effect(section: Section, names: Iterable[str]) -> list[str]:
    """Returns the named settings that differ from their defaults; a file that charlm wrote names all settings."""
    fields = type(section).model_fields
    return [name for name in fields if name in names and getattr(section, name) != fields[name].default]


def require_suited(section: Section, asked: Iterable[str], *, source: str | None = None, name: Name = ".".join) -> None:
    """Checks that every setting asked for means something beside the others.

    Raises:
        ConfigError: one is for other models, such as --window for a recurrent network.
    """
    for key in with_effect(section, asked):
        for only in type(section).model_fields[key].metadata:
            if isinstance(only, Only) and (chosen := getattr(section, only.setting)) not in only.listed():
                shown = name((only.setting,))
                instead = "" if chosen is None else f", not for {shown} {chosen}"
                advice = f"; {only.instead}" if only.instead else ""
                sentence = f"{name((key,))} is for {shown} {either(only.listed())}{instead}{advice}."
                raise ConfigError(sentence if source is None else f"{source}: {sentence}")
