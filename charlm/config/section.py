"""What a group of settings is, a setting of one, and what marks it."""

import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field

_Value = TypeVar("_Value")


class Section(BaseModel):
    """A group of settings: immutable, unknown keys, infinities and NaN refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)


def setting(default: _Value, *, help: str, **bounds: Any) -> _Value:
    """Returns the field of a setting with a default; `bounds` are those of `pydantic.Field`: ge, le, pattern, …"""
    field: _Value = Field(default=default, description=help, **bounds)
    return field


@dataclass(frozen=True)
class Only:
    """Marks a setting that means something for some values of another one of its section only.

    Attributes:
        setting: the other setting.
        values: the values for which it does, or a function that returns them.
        instead: what to do for other values, the end of a sentence; empty where that is plain.
    """

    setting: str
    values: tuple[str, ...] | Callable[[], tuple[str, ...]]
    instead: str = ""

    def listed(self) -> tuple[str, ...]:
        """Returns the values for which the setting means something."""
        return self.values() if callable(self.values) else self.values


@dataclass(frozen=True, kw_only=True)
class Search:
    """Marks a setting that `charlm tune` searches where nobody asked for a value of it.

    It is searched in one of three ways: among values, in a range, or around the usual value.

    Attributes:
        values: to choose from; what charlm itself would choose is always one of them.
        low: lower end of a range, `high` its upper end; both belong to it, and so does what charlm would choose.
        log: whether the range is searched on a logarithmic scale.
        around: the factor by which the usual value is multiplied or divided at most, on a logarithmic scale.
        multiple: the number that divides every whole number which is not the usual value.
    """

    __pydantic_config__: ClassVar = ConfigDict(extra="forbid", allow_inf_nan=False)
    values: tuple[str | int | float | bool, ...] = ()
    low: float | None = None
    high: float | None = None
    log: bool = False
    around: float | None = None
    multiple: int = 1

    def in_words(self) -> str:
        """Returns the search as people read it: 'tanh, relu', '0 to 0.4', 'usual / 2 to usual x 2'."""
        if self.values:
            return ", ".join(map(str, self.values))
        if self.around is not None:
            return f"usual / {self.around:g} to usual x {self.around:g}"
        return f"{self.low:g} to {self.high:g}{', logarithmic' if self.log else ''}"


def plain_type(annotation: Any) -> Any:
    """Returns a field's type without its bounds and without `| None`."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return plain_type(arguments[0])
    if origin in (Union, types.UnionType):
        (kind,) = (each for each in arguments if each is not types.NoneType)
        return plain_type(kind)
    return annotation
