"""What a group of settings is, and what marks a setting of one."""

from collections.abc import Callable
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A group of settings: immutable, unknown keys, infinities and NaN refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


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
