"""Where charlm keeps things: `data/` and `checkpoints/` of one folder."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Workspace:
    """A folder with its `data/` and `checkpoints/`; by default the current one.

    Attributes:
        group: a folder under `checkpoints/` that runs belonging together lie in; empty for `checkpoints/` itself.
    """

    root: Path = Path()
    group: str = ""

    @property
    def data(self) -> Path:
        """Encoded and fetched corpora."""
        return self.root / "data"

    @property
    def checkpoints(self) -> Path:
        """One folder a run."""
        return self.root / "checkpoints" / self.group
