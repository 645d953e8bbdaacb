"""What a torture has tried: cases by kind, the seed that they were drawn with, and the most memory that one took."""

import os
import random
from collections import Counter
from dataclasses import dataclass, field

SEED_VARIABLE = "CHARLM_TORTURE_SEED"


@dataclass
class Cases:
    """The cases tried so far; a case is one command, or one function that reads, on one damaged, forged or cut state.

    Attributes:
        megabytes: the most memory that a process with a case in it took.
    """

    seed: int
    counts: Counter[str] = field(default_factory=Counter)
    megabytes: int = 0

    @classmethod
    def from_environment(cls) -> "Cases":
        """Returns no cases yet, with the seed of the environment, or 1."""
        return cls(int(os.environ.get(SEED_VARIABLE, "1")))

    def add(self, kind: str, number: int = 1) -> None:
        """Counts cases of a kind."""
        self.counts[kind] += number

    def random(self, *names: object) -> random.Random:
        """Returns random numbers for a purpose, the same in every process."""
        return random.Random("/".join(map(str, (self.seed, *names))))

    def summary(self) -> list[str]:
        """Returns the lines to be printed at the end."""
        lines = [f"{number:>9,}  {kind}" for kind, number in sorted(self.counts.items())]
        return [
            *lines,
            f"{self.counts.total():>9,}  cases in all, at most {self.megabytes:,} MB in a process",
            f"Seed {self.seed}; another one: {SEED_VARIABLE}={self.seed + 1} make torture",
        ]
