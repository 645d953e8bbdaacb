"""What a group of settings is, a setting of one, and what marks it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

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
    """

    setting: str
    values: tuple[str, ...] | Callable[[], tuple[str, ...]]

    def listed(self) -> tuple[str, ...]:
        """Returns the values for which the setting means something."""
        return self.values() if callable(self.values) else self.values
