"""The processes that train one model together; a process that trains alone is the first of one."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, final

import torch
from numpy.typing import NDArray
from torch import Tensor

Gradients = Sequence[Tensor | None]
"""A tensor for each parameter; None where the loss does not depend on it."""


Arrays = Mapping[str, NDArray[Any]]


class Memory(Protocol):
    """Words that the launcher keeps while it starts the processes again."""

    def get(self, name: str) -> str | None:
        """Returns the words of that name; None where there are none."""

    def set(self, name: str, words: str) -> None:
        """Keeps words."""


class World(ABC):
    """What the processes of a training do together. All of them call the same methods in the same order.

    Attributes:
        rank: number of this process, from 0; the first alone writes and prints.
        size: number of processes.
    """

    def __init__(self, rank: int, size: int, *, memory: Memory | None = None) -> None:
        self.rank = rank
        self.size = size
        self._memory = memory

    @property
    def is_first(self) -> bool:
        """Whether this is the process that writes and prints."""
        return self.rank == 0

    def share(self, number: int) -> range:
        """Returns which of `number` parts this process computes."""
        return share_of(self.rank, self.size, number)

    def remembered(self, name: str) -> str | None:
        """Returns what `remember` was given before the launcher started the processes again; None for nothing."""
        return self.by_first(lambda: (self._memory and self._memory.get(name)) or "") or None

    def remember(self, name: str, words: str) -> None:
        """Keeps words for the time after the launcher has started the processes again."""
        if self._memory is not None and self.is_first:
            self._memory.set(name, words)

    def clock(self) -> float:
        """Returns the first process's monotonic time in seconds."""
        return self.of_first(time.monotonic())

    @abstractmethod
    def device(self, device: torch.device) -> torch.device:
        """Returns this process's own device of a kind."""

    @abstractmethod
    def add_in_order(self, parts: Iterable[Gradients], *, of: int) -> list[Tensor | None]:
        """Returns the sums over all processes' parts, added in the order of the parts.

        Args:
            parts: those of this process's share; the first may be changed.
            of: number of parts of all processes.

        Raises:
            MemoryError: a process has not enough memory to compute its parts.
        """

    @abstractmethod
    def fill(self, tensor: Tensor) -> Tensor:
        """Returns a tensor of which each process has computed some numbers, and has zeros in place of the others."""

    @abstractmethod
    def largest(self, number: float) -> float:
        """Returns the largest number of all processes."""

    @abstractmethod
    def of_first(self, number: float) -> float:
        """Returns the first process's number."""

    @abstractmethod
    def by_first(self, function: Callable[[], str | None]) -> str:
        """Returns what a function returns in the first process, which alone calls it; empty for None.

        Raises:
            CharlmError: the function has raised it; it is raised in all processes.
        """

    @abstractmethod
    def arrays_by_first(self, function: Callable[[], Arrays]) -> Arrays:
        """Returns the arrays that a function returns in the first process, which alone calls it; errors as there."""

    @abstractmethod
    def require_same(self, facts: Callable[[], Mapping[str, str]], *, advice: str) -> None:
        """Checks that all processes know the same facts.

        Args:
            facts: returns them by their names for people.

        Raises:
            DistributedError: one differs.
        """


@final
class Alone(World):
    """One process, to which all this costs nothing."""

    def __init__(self, *, memory: Memory | None = None) -> None:
        super().__init__(0, 1, memory=memory)

    def device(self, device: torch.device) -> torch.device:
        """Returns the device."""
        return device

    def add_in_order(self, parts: Iterable[Gradients], *, of: int) -> list[Tensor | None]:
        """Returns the sums of the parts, of which only one is in memory beside the sums."""
        sums: list[Tensor | None] = []
        for part in parts:
            sums = [_added(*pair) for pair in zip(sums, part, strict=True)] if sums else list(part)
        return sums

    def fill(self, tensor: Tensor) -> Tensor:
        """Returns the tensor."""
        return tensor

    def largest(self, number: float) -> float:
        """Returns the number."""
        return number

    def of_first(self, number: float) -> float:
        """Returns the number."""
        return number

    def by_first(self, function: Callable[[], str | None]) -> str:
        """Returns what the function returns."""
        return function() or ""

    def arrays_by_first(self, function: Callable[[], Arrays]) -> Arrays:
        """Returns what the function returns."""
        return function()

    def require_same(self, facts: Callable[[], Mapping[str, str]], *, advice: str) -> None:
        """Checks nothing."""


ALONE = Alone()
"""A process that no launcher has started beside others."""


def share_of(rank: int, size: int, number: int) -> range:
    """Returns which of `number` parts are a process's: neighbours, as many as others' or one more or less."""
    return range(-(-rank * number // size), -(-(rank + 1) * number // size))


def _added(total: Tensor | None, part: Tensor | None) -> Tensor | None:
    if total is None or part is None:
        return part if total is None else total
    return total.add_(part)
