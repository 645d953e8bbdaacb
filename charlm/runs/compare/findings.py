"""What a search over settings has found: its trials by rank, and how much of the gain was luck."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, stdev
from typing import Any

import tomli_w

from charlm.config import Request, by_section
from charlm.runs.compare.study import TrialRow


@dataclass(frozen=True)
class Repeated:
    """The bits per character of one trial's settings, trained with several seeds.

    Attributes:
        bits: of each seed, that of the trial itself first.
    """

    number: int
    bits: tuple[float, ...]

    @property
    def mean(self) -> float:
        """The mean over the seeds."""
        return fmean(self.bits)

    @property
    def spread(self) -> float:
        """The standard deviation over the seeds."""
        return stdev(self.bits) if len(self.bits) > 1 else 0.0


@dataclass(frozen=True)
class Findings:
    """What a search has found so far.

    Attributes:
        trials: the finished ones, best first; then all others.
        repeated: the best trial and the first one with further seeds; empty where there are none.
        unit: what bits are counted by, for people.
    """

    trials: tuple[TrialRow, ...]
    repeated: tuple[Repeated, ...] = ()
    unit: str = "char"

    @property
    def best(self) -> TrialRow | None:
        """The trial whose settings are kept: of those with further seeds, the one with the better mean."""
        if self.repeated:
            number = min(self.repeated, key=lambda each: each.mean).number
            return next(each for each in self.trials if each.number == number)
        return self.trials[0] if self.trials and self.trials[0].state == "finished" else None

    @property
    def usual(self) -> TrialRow | None:
        """The trial with the settings that charlm itself chooses, if it is finished."""
        return next((each for each in self.trials if each.number == 0 and each.state == "finished"), None)

    @property
    def gain(self) -> float | None:
        """Bits by which the best trial is better than what charlm itself chooses, in the mean over seeds."""
        if len(self.repeated) > 1:
            first, other = sorted(self.repeated, key=lambda each: each.number)
            return max(0.0, first.mean - other.mean)
        if self.best is None or self.usual is None or self.best.bits is None or self.usual.bits is None:
            return None
        return self.usual.bits - self.best.bits

    def to_json(self) -> dict[str, Any]:
        """Returns the findings as JSON values."""
        return {
            "trials": [asdict(each) | {"run": each.run} for each in self.trials],
            "best": None if self.best is None else self.best.number,
            "gain": self.gain,
            "seeds": [asdict(each) | {"mean": each.mean, "spread": each.spread} for each in self.repeated],
            "unit": self.unit,
        }


def ranked(rows: Sequence[TrialRow]) -> tuple[TrialRow, ...]:
    """Returns trials as they are listed: finished ones, best first; then pruned ones by how far they came."""
    order = ("finished", "pruned", "training", "stopped", "failed")
    return tuple(
        sorted(
            rows,
            key=lambda each: (
                order.index(each.state),
                0.0 if each.state == "finished" else -each.share,
                float("inf") if each.bits is None else each.bits,
                each.number,
            ),
        )
    )


def best_as_toml(request: Request, *, comment: str) -> str:
    """Returns what was asked for and what was found as TOML for `charlm train --config`.

    Args:
        request: for the run of the best trial.
        comment: its first lines.
    """
    asked = request.asked - {"name"}
    values = request.config.model_dump(mode="json", exclude_none=True)
    chosen: Mapping[str, Any] = {key: value for each in values.values() for key, value in each.items() if key in asked}
    heading = "".join(f"# {line}\n" for line in comment.splitlines())
    return heading + tomli_w.dumps({section: settings for section, settings in by_section(chosen).items() if settings})
