"""The settings that a search varies: which they are, the values they may take, and how they are drawn."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import TypeAdapter, ValidationError

from charlm.config import Only, Request, RunConfig, Search, plain_type, require_suited, sections, validate
from charlm.errors import ConfigError
from charlm.notation import nearest, quoted
from charlm.runs.train.settings import with_defaults_of_width, with_settings

_SEARCHED_SECTIONS = ("model", "training")
_LENGTHS = frozenset({"steps", "epochs", "budget"})
_HELD = _LENGTHS | {"model"}
"""Settings of these sections that cannot be searched: all trials have one length, and one kind of model."""
_ON_TRIAL = "mix"
"""Left open where it is as charlm chooses it: n-grams that do not help are then dropped at the end."""
_SEARCH = TypeAdapter(Search)

Values = tuple[str | int | float | bool, ...]


class Draw(Protocol):
    """Draws the values of a trial, each under the name of its setting."""

    def choice(self, name: str, values: Values) -> Any:
        """Returns one of the values."""

    def number(self, name: str, low: float, high: float, *, log: bool) -> float:
        """Returns a number in a range."""

    def whole(self, name: str, low: int, high: int, *, log: bool) -> int:
        """Returns a whole number in a range."""


@dataclass(frozen=True)
class Space:
    """What a search varies.

    Attributes:
        searches: how each setting is searched, by its name.
        request: what was asked for, without any of these settings.
        planned: the configuration that charlm itself chooses for a trial.
    """

    searches: Mapping[str, Search]
    request: Request
    planned: RunConfig

    def usual(self) -> dict[str, Any]:
        """Returns what a `Draw` has to draw for the settings that charlm itself chooses."""
        return {name: 1.0 if each.around else self._planned(name) for name, each in self.searches.items()}

    def draw(self, draw: Draw) -> dict[str, Any]:
        """Returns the settings of a trial; without those that mean nothing beside the others."""
        drawn: dict[str, Any] = {}
        for name, search in self.searches.items():
            config = self._with(drawn)
            if _suits(name, config):
                drawn[name] = self._draw_one(name, search, config, draw)
        if drawn.get(_ON_TRIAL) == self._planned(_ON_TRIAL):
            drawn.pop(_ON_TRIAL, None)
        return drawn

    def request_for(self, settings: Mapping[str, Any], **more: Any) -> Request:
        """Returns the request for a run with the settings of a trial, and `more` settings that are held for all."""
        config = changed(self.request.config, {**settings, **more})
        return Request(config, self.request.asked | settings.keys() | more.keys())

    def require_usable(self, *, source: str) -> None:
        """Checks that every value and every end of a range can be had, and that something is searched.

        Raises:
            ConfigError: one cannot.
        """
        if not self.searches:
            raise ConfigError("There is nothing to search: every setting that charlm tune searches is given.")
        for name, search in self.searches.items():
            # It is left out of trials beside which it means nothing; but some must be left.
            depends = any(only.setting in self.searches for only in _marks(name))
            ends = [end for end in (search.low, search.high) if end is not None]
            for value in [*search.values, *(_typed(name, end) for end in ends)]:
                config = changed(self.request.config, {name: value}, source=source)
                require_suited(config.model, self.request.asked | (set() if depends else {name}), source=source)
            is_number = plain_type(_fields()[name].annotation) in (int, float)
            if not search.values and not is_number:
                raise ConfigError(f"{source}: {name} is no number; list the values to choose from.")
            if search.around is not None:
                usual = self._usual(name, self.planned)
                if not usual:
                    raise ConfigError(f"{source}: {name} has no usual value to search around; give low and high.")
                for end in (usual / search.around, usual * search.around):
                    changed(self.request.config, {name: _typed(name, end)}, source=source)

    def _draw_one(self, name: str, search: Search, config: RunConfig, draw: Draw) -> Any:
        if search.values:
            planned = self._planned(name)
            values = search.values if planned is None else (*search.values, planned)
            return draw.choice(name, tuple(dict.fromkeys(values)))
        is_whole = plain_type(_fields()[name].annotation) is int
        if search.around is None:
            planned = self._planned(name)
            assert search.low is not None and search.high is not None
            low, high = (search.low, search.high) if planned is None else _widened(search, planned)
            if is_whole:
                return draw.whole(name, int(low), int(high), log=search.log)
            return _rounded(draw.number(name, low, high, log=search.log))
        factor = draw.number(name, 1.0 / search.around, search.around, log=True)
        usual = self._usual(name, config)
        if factor == 1.0 or not is_whole:
            return usual if factor == 1.0 else _rounded(factor * usual)
        return max(search.multiple, search.multiple * round(factor * usual / search.multiple))

    def _usual(self, name: str, config: RunConfig) -> Any:
        """Returns the value that a setting has beside the others of a configuration, where nobody asks for one."""
        usual = _value(with_defaults_of_width(config), name)
        return self._planned(name) if usual is None else usual

    def _planned(self, name: str) -> Any:
        return self.planned.model_dump(mode="json")[_section_of(name)][name]

    def _with(self, drawn: Mapping[str, Any]) -> RunConfig:
        """Returns the configuration with drawn settings, the sizes that charlm chose, and open rates."""
        sizes = {
            name: _value(self.planned, name)
            for name in ("hidden_size", "num_layers", "batch_size", "sequence_length")
            if name not in self.request.asked
        }
        return with_settings(self.request.config, **sizes | dict(drawn))


def usual_searches(asked: frozenset[str], planned: RunConfig) -> dict[str, Search]:
    """Returns how settings that nobody asked for are declared to be searched, those that leave a choice.

    Args:
        planned: what charlm itself chooses.
    """
    values = planned.model_dump(mode="json")
    declared = {
        name: search
        for name, field in _fields().items()
        for search in field.metadata
        if isinstance(search, Search) and name not in asked
    }
    if planned.data.task is not None:
        # Examples are read whole.
        declared.pop("sequence_length", None)

    def leaves_choice(name: str, search: Search) -> bool:
        chosen = values[_section_of(name)][name]
        return not search.values or (chosen is not None and bool({*search.values} - {chosen}))

    return {name: search for name, search in declared.items() if leaves_choice(name, search)}


def require_searchable(config: RunConfig) -> None:
    """Raises a ConfigError unless trials of one time may be trained with the configuration."""
    if "-" in (*config.data.corpus, *config.data.valid, *config.data.test):
        raise ConfigError("Each trial reads the text anew, and stdin ('-') can be read only once; name a file.")
    if config.model.model == "ngram":
        raise ConfigError("An n-gram model is counted in one go; compare orders with charlm compare --models.")
    for name in ("steps", "epochs"):
        if getattr(config.training, name) is not None:
            raise ConfigError(f"training.{name} is given, but every trial has the same --trial-budget; leave it out.")


def read_searches(values: Mapping[str, Any], *, source: str, asked: frozenset[str]) -> dict[str, Search]:
    """Returns the searches that a file gives for settings, section by section.

    Raises:
        ConfigError: a setting is unknown, cannot be searched or was asked for, or its search is none.
    """
    found: dict[str, Search] = {}
    for section, settings in values.items():
        if section not in _SEARCHED_SECTIONS or not isinstance(settings, dict):
            within = [each for each in _SEARCHED_SECTIONS if section in sections()[each].model_fields]
            near = f"{within[0]}.{section}" if within else nearest(section, _SEARCHED_SECTIONS)
            meant = f"; did you mean {near}?" if near else "."
            raise ConfigError(f"{source}: {section} is no section to search; there are [model] and [training]{meant}")
        known = [name for name in sections()[section].model_fields if name not in _HELD]
        for name, value in settings.items():
            if name not in known:
                near = nearest(name, known)
                meant = f"; did you mean {section}.{near}?" if near else "."
                raise ConfigError(f"{source}: {section}.{name} is not a setting that can be searched{meant}")
            if name in asked:
                raise ConfigError(f"{source}: {section}.{name} cannot be searched and given, too; leave one out.")
            found[name] = _search(value, where=f"{source}: {section}.{name}")
    # In the order in which they are declared: a rate depends on the cell and the width.
    return {name: found[name] for name in _fields() if name in found}


def changed(config: RunConfig, settings: Mapping[str, Any], *, source: str | None = None) -> RunConfig:
    """Returns the configuration with other values of some settings, checked as those of a file are."""
    values = config.model_dump(mode="json", exclude_none=True)
    for section, kind in sections().items():
        values[section] |= {name: value for name, value in settings.items() if name in kind.model_fields}
    return validate(RunConfig, values, source=source)


def _search(value: Any, *, where: str) -> Search:
    expected = "a list of values, { low = 0, high = 0.4 } or { around = 2 }"
    try:
        search = _SEARCH.validate_python({"values": value} if isinstance(value, list) else value)
    except ValidationError:
        raise ConfigError(f"{where} is {quoted(value)}; it should be {expected}.") from None
    ways = [bool(search.values), search.low is not None or search.high is not None, search.around is not None]
    if sum(ways) != 1 or (ways[1] and (search.low is None or search.high is None)):
        raise ConfigError(f"{where} is {quoted(value)}; it should be {expected}.")
    if search.low is not None and search.high is not None:
        if search.low >= search.high:
            raise ConfigError(f"{where}: low is {search.low:g}; it should be below high, which is {search.high:g}.")
        if search.log and search.low <= 0:
            raise ConfigError(f"{where}: low is {search.low:g}; it should be above 0 on a logarithmic scale.")
    if search.around is not None and search.around <= 1:
        raise ConfigError(f"{where}: around is {search.around:g}; it should be above 1.")
    if search.multiple < 1:
        raise ConfigError(f"{where}: multiple is {search.multiple}; it should be 1 or more.")
    return search


def _suits(name: str, config: RunConfig) -> bool:
    """Returns whether a setting means anything beside the others of its section."""
    settings = getattr(config, _section_of(name))
    return all(getattr(settings, only.setting) in only.listed() for only in _marks(name))


def _marks(name: str) -> list[Only]:
    return [each for each in _fields()[name].metadata if isinstance(each, Only)]


def _widened(search: Search, planned: float) -> tuple[float, float]:
    assert search.low is not None and search.high is not None
    return min(search.low, planned), max(search.high, planned)


def _rounded(number: float) -> float:
    """Returns a number with so many digits as people read."""
    return float(f"{number:.4g}")


def _typed(name: str, number: float) -> float:
    """Returns an end of a range as its setting has it: whole, where it is a whole number."""
    return int(number) if plain_type(_fields()[name].annotation) is int and number % 1 == 0 else number


def _value(config: RunConfig, name: str) -> Any:
    return getattr(getattr(config, _section_of(name)), name)


def _section_of(name: str) -> str:
    return next(each for each in _SEARCHED_SECTIONS if name in sections()[each].model_fields)


def _fields() -> dict[str, Any]:
    """Returns the fields of all settings that could be searched, in their order."""
    return {name: field for each in _SEARCHED_SECTIONS for name, field in sections()[each].model_fields.items()}
