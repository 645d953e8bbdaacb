"""The seeds of a run, all from one."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Streams:
    """Seeds of the independent sources of randomness, all derived from the run's one seed."""

    weights: int
    dropout: int
    batches: int
    samples: int

    @classmethod
    def from_seed(cls, seed: int) -> "Streams":
        """Returns the seeds that a run's seed stands for."""
        return cls(*(int(part) for part in np.random.SeedSequence(seed).generate_state(4, np.uint32)))
